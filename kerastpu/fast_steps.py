"""Faster training steps with the same mathematics, for as long as a model trains."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras

from kerastpu.strategy import Accelerator

_WIDE = 4  # columns of a depthwise filter from which on its gradient is slow


@contextlib.contextmanager
def fast_steps(model: keras.Model, accelerator: Accelerator) -> Iterator[None]:
    """Lets layers compute with `cpu_kernels` inside of the block, where that is faster.

    On TensorFlow and a CPU; elsewhere nothing is changed. Layers keep their class,
    variables and configuration, so that the model's file is what its builder made it.
    Steps that Keras has compiled inside of the block stay as they are.

    Args:
        model: its stock BatchNorms and wide depthwise convolutions in float32,
            nested ones too; compile it inside of the block.
        accelerator: where it trains.
    """
    is_fitting = (accelerator.backend, accelerator.platform) == ("tensorflow", "cpu")
    layers = model._flatten_layers() if is_fitting else ()
    changed = []
    try:
        for layer in layers:
            if kernel := _kernel(layer):
                layer.call = functools.partial(kernel, layer)
                changed.append(layer)
        yield
    finally:
        for layer in changed:
            del layer.call


def _kernel(layer: keras.layers.Layer) -> Callable[..., Any] | None:
    """Returns what does the same as `layer.call`, None where nothing better is known.

    Synchronized BatchNorms, which several replicas have, are left to Keras.
    """
    from kerastpu import cpu_kernels  # imports TensorFlow

    if not layer.built or layer.compute_dtype != "float32":
        return None
    if type(layer) is keras.layers.BatchNormalization:
        is_image = layer.input_spec.ndim == 4 and layer.axis in (-1, 3)
        is_plain = not (getattr(layer, "renorm", False) or layer.synchronized)
        return cpu_kernels.batch_norm if is_image and is_plain else None
    if type(layer) is keras.layers.DepthwiseConv2D:
        is_wide = layer.kernel_size[1] >= _WIDE
        is_plain = (
            layer.data_format == "channels_last"
            and set(layer.dilation_rate) == {1}
            and len(set(layer.strides)) == 1
        )
        return cpu_kernels.depthwise if is_wide and is_plain else None
    return None
