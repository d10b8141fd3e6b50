"""ResNet-50 goes out to ONNX, comes back, and has the information that SAS prints."""

import keras
import pytest
import tensorflow as tf
import tf2onnx
from test_sas_style import INFORMATION

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

    def call(self, x):
        norm = self.norm
        weights = (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
        outputs = tf.compat.v1.nn.fused_batch_norm(
            x, *weights, epsilon=norm.epsilon, is_training=False
        )
        return outputs[0]


def export(model, path):
    """Writes a model as ONNX with its BatchNorm in it."""
    whole = keras.models.clone_model(
        model,
        clone_function=lambda layer: (
            OneOperation(layer)
            if isinstance(layer, keras.layers.BatchNormalization)
            else layer
        ),
    )
    passes = dict(tf2onnx.optimizer._get_optimizers())
    del passes["remove_back_to_back"]  # it folds BatchNorm as well
    shape = (None, *model.input_shape[1:])
    tf2onnx.convert.from_keras(
        whole,
        input_signature=[tf.TensorSpec(shape, tf.float32, name="data")],
        opset=18,
        optimizers=passes,
        output_path=str(path),
    )


@pytest.mark.slow
def test_information_of_the_imported_resnet50_is_that_of_the_source(tmp_path):
    path = tmp_path / "resnet50v1.onnx"
    export(models.build("resnet50_v1", input_shape=(224, 224, 3)), path)
    imported = model_opening.open_model(str(path))
    summary = sas_style.summarize(measure(imported))
    assert dict(list(summary.information.items())[1:]) == INFORMATION
    assert summary.num_parameters == 25_575_912
    assert summary.num_multiply_adds == 3_855_925_248
