"""Faster training steps with the same mathematics, for as long as a model trains."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras

from kerastpu.strategy import Accelerator

Kernel = Callable[..., Any]

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
    if not is_fitting:
        yield
        return
    with computing_by(model, lambda layer: batch_norm(layer) or _depthwise(layer)):
        yield


@contextlib.contextmanager
def computing_by(
    model: keras.Model, kernel: Callable[[keras.layers.Layer], Kernel | None]
) -> Iterator[None]:
    """Lets layers compute by other functions inside of the block.

    Args:
        model: its layers, nested ones too.
        kernel: returns what does the same as the `call` of a layer, given the layer
            first; None leaves a layer as it is.
    """
    changed = []
    try:
        for layer in model._flatten_layers():
            if found := kernel(layer):
                layer.call = functools.partial(found, layer)
                changed.append(layer)
        yield
    finally:
        for layer in changed:
            del layer.call


def batch_norm(layer: keras.layers.Layer) -> Kernel | None:
    """Returns the kernel of a stock BatchNorm of maps in float32; None for others.

    Synchronized BatchNorms, which several replicas have, are left to Keras.
    """
    from kerastpu import cpu_kernels  # imports TensorFlow

    if _computes_as(layer, keras.layers.BatchNormalization):
        is_image = layer.input_spec.ndim == 4 and layer.axis in (-1, 3)
        is_plain = not (getattr(layer, "renorm", False) or layer.synchronized)
        return cpu_kernels.batch_norm if is_image and is_plain else None
    return None


def _depthwise(layer: keras.layers.Layer) -> Kernel | None:
    from kerastpu import cpu_kernels  # imports TensorFlow

    if _computes_as(layer, keras.layers.DepthwiseConv2D):
        is_wide = layer.kernel_size[1] >= _WIDE
        is_plain = (
            layer.data_format == "channels_last"
            and set(layer.dilation_rate) == {1}
            and len(set(layer.strides)) == 1
        )
        return cpu_kernels.depthwise if is_wide and is_plain else None
    return None


def _computes_as(layer: keras.layers.Layer, kind: type[keras.layers.Layer]) -> bool:
    return type(layer) is kind and layer.built and layer.compute_dtype == "float32"
