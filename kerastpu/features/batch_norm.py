"""BatchNorm that stays an operation of its own on the way to ONNX."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def kept_apart() -> Iterator[None]:
    """Lets tf2onnx write BatchNorm of maps as ONNX's BatchNormalization.

    Keras computes it by a multiplication and an addition, which disappear in the
    convolution before, as does the operation of TensorFlow that is put in their place
    here, unless tf2onnx is kept from it.
    """
    import keras
    from tf2onnx.optimizer import back_to_back_optimizer

    norm, pair = keras.layers.BatchNormalization, ("Conv", "BatchNormalization")
    fusions = back_to_back_optimizer._func_map
    as_keras_does, fusion = norm.call, fusions.pop(pair)

    def call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if len(inputs.shape) != 4 or self.axis not in (-1, 3) or training:
            return as_keras_does(self, inputs, training=training, mask=mask)
        return _as_one_operation(self, inputs)

    norm.call = call
    try:
        yield
    finally:
        norm.call, fusions[pair] = as_keras_does, fusion


def _as_one_operation(norm: Any, inputs: Any) -> Any:
    import tensorflow as tf

    mean = tf.convert_to_tensor(norm.moving_mean)
    return tf.compat.v1.nn.fused_batch_norm(
        inputs,
        tf.ones_like(mean) if norm.gamma is None else norm.gamma,
        tf.zeros_like(mean) if norm.beta is None else norm.beta,
        mean,
        norm.moving_variance,
        epsilon=norm.epsilon,
        is_training=False,
    )[0]
