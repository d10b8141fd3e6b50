"""The compiled inference function of the Keras backend in use.

On a CPU a chunk of 8 images of 192 px takes three quarters of the processor time of a
batch of 32 (EfficientNet-Lite0).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.features.extraction import Runner

if TYPE_CHECKING:
    import keras

_CPU_CHUNK_BYTES = 4 << 20
_ACCELERATOR_CHUNK_BYTES = 64 << 20
_WORKERS = 2


def start(model: keras.Model, dtype: str) -> Runner:
    """Compiles `model` as it is now.

    Args:
        model: One input, one output (batch, ...).
        dtype: Of the inputs that will come, "uint8" say.
    """
    import keras

    is_jax = keras.backend.backend() == "jax"
    return Runner(
        call=_compile_jax(model) if is_jax else _compile_tensorflow(model, dtype),
        input_shape=model.input_shape[1:],
        output_shape=model.output_shape[1:],
        dtype=dtype,
        chunk_bytes=_CPU_CHUNK_BYTES if is_on_cpu() else _ACCELERATOR_CHUNK_BYTES,
        workers=_WORKERS,
    )


def is_on_cpu() -> bool:
    """Returns whether Keras has no other device than CPUs."""
    import keras

    return all(name.startswith("cpu") for name in keras.distribution.list_devices())


# Two are kept, so that several passes over data trace a network once.
@functools.lru_cache(maxsize=2)
def _compile_tensorflow(
    model: keras.Model, dtype: str
) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf

    # No XLA: it is 18 times slower on depthwise convolutions on a CPU.
    spec = tf.TensorSpec((None, *model.input_shape[1:]), dtype)
    function = tf.function(
        lambda inputs: tf.cast(model(inputs, training=False), tf.float32),
        input_signature=[spec],
        jit_compile=False,
    )
    concrete = function.get_concrete_function()
    return lambda inputs: concrete(tf.constant(inputs)).numpy()


@functools.lru_cache(maxsize=2)
def _jitted(model: keras.Model) -> Callable:
    import jax

    def call(trainable: list, constant: list, inputs: Any) -> Any:
        outputs, _ = model.stateless_call(trainable, constant, inputs, training=False)
        return outputs.astype("float32")

    return jax.jit(call)


def _compile_jax(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    trainable = [variable.value for variable in model.trainable_variables]
    constant = [variable.value for variable in model.non_trainable_variables]
    function = _jitted(model)
    return lambda inputs: np.asarray(function(trainable, constant, inputs))
