"""ResNet-50 goes out to ONNX, comes back, and has the information that SAS prints."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf2onnx
from test_sas_style import INFORMATION
from tf2onnx.optimizer import back_to_back_optimizer

from kerastpu import model_opening, models
from kerastpu.summaries import measure, sas_style


class OneOperation(keras.layers.Layer):
    """BatchNorm as the one operation of TensorFlow that becomes one of ONNX.

    Keras computes it by a multiplication and an addition, which are folded into the
    convolution before.
    """

    def __init__(self, norm):
        super().__init__(name=norm.name)
        self.norm = norm

    def call(self, x, training=False, mask=None):
        norm = self.norm
        weights = (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
        outputs = tf.compat.v1.nn.fused_batch_norm(
            x, *weights, epsilon=norm.epsilon, is_training=False
        )
        return outputs[0]


@pytest.fixture
def export(monkeypatch):
    """Writes a model as ONNX with its BatchNorm in it."""
    fusions = back_to_back_optimizer._func_map
    monkeypatch.delitem(fusions, ("Conv", "BatchNormalization"))
    monkeypatch.setenv("TF2ONNX_CATCH_ERRORS", "FALSE")  # copies the graph else

    def write(model, path):
        whole = keras.models.clone_model(
            model,
            clone_function=lambda layer: (
                OneOperation(layer)
                if isinstance(layer, keras.layers.BatchNormalization)
                else layer
            ),
        )
        shape = (None, *model.input_shape[1:])
        signature = [tf.TensorSpec(shape, tf.float32, name="data")]
        tf2onnx.convert.from_keras(
            whole, input_signature=signature, opset=18, output_path=str(path)
        )

    return write


@pytest.mark.slow
def test_information_of_the_imported_resnet50_is_that_of_the_source(export, tmp_path):
    model = models.build("resnet50_v1", input_shape=(224, 224, 3))
    for weight in model.weights:
        if weight.name == "bias":  # one of zeros is left out
            weight.assign(np.linspace(-1, 1, weight.shape[0]))
    path = tmp_path / "resnet50v1.onnx"
    export(model, path)
    imported = model_opening.open_model(str(path))
    summary = sas_style.summarize(measure(imported))
    assert dict(list(summary.information.items())[1:]) == INFORMATION
    assert summary.num_parameters == 25_575_912
    assert summary.num_multiply_adds == 3_855_925_248
