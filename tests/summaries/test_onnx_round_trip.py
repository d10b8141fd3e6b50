"""ResNet-50 goes out to ONNX, comes back, and has the information that SAS prints."""

import numpy as np
import pytest
from test_sas_style import INFORMATION

from kerastpu import model_opening, models
from kerastpu.features import conversion
from kerastpu.summaries import measure, sas_style


@pytest.mark.slow
def test_information_of_the_imported_resnet50_is_that_of_the_source(tmp_path):
    model = models.build("resnet50_v1", input_shape=(224, 224, 3))
    for weight in model.weights:
        if weight.name == "bias":  # one of zeros is left out
            weight.assign(np.linspace(-1, 1, weight.shape[0]))
    path = tmp_path / "resnet50v1.onnx"
    names = ("data", "probabilities")
    content = conversion.to_onnx(model, "float32", names, keep_batch_norm=True)
    path.write_bytes(content)
    imported = model_opening.open_model(str(path))
    summary = sas_style.summarize(measure(imported))
    assert dict(list(summary.information.items())[1:]) == INFORMATION
    assert summary.num_parameters == 25_575_912
    assert summary.num_multiply_adds == 3_855_925_248
