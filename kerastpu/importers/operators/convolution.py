"""Conv, as Conv1D to Conv3D or as a depthwise convolution."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from kerastpu.importers import windows
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Pending, Tensor, channels_last
from kerastpu.importers.windows import Window

_CONVOLUTIONS = {
    1: keras.layers.Conv1D,
    2: keras.layers.Conv2D,
    3: keras.layers.Conv3D,
}
_DEPTHWISE = {1: keras.layers.DepthwiseConv1D, 2: keras.layers.DepthwiseConv2D}
# A pooling of one element only steps.
_STEPS = {
    1: keras.layers.MaxPooling1D,
    2: keras.layers.MaxPooling2D,
    3: keras.layers.MaxPooling3D,
}


def channels_last_axes(rank: int) -> tuple[tuple[int, ...], ...]:
    """Returns the axes of ONNX in an image with channels last."""
    order = channels_last(rank)
    return tuple((order.index(axis),) for axis in range(rank))


def _convert(call: Call) -> Tensor | Pending:
    tensor, kernel, bias = call.tensor(), call.weight(1), call.constant(2)
    group = call.attributes["group"]
    if kernel.ndim != tensor.rank or not 3 <= tensor.rank <= 5 or not kernel.size:
        raise UnsupportedError(f"its weights have the shape {list(kernel.shape)}")
    channels = kernel.shape[1] * group
    if group < 1 or kernel.shape[0] % group or tensor.size(1) != channels:
        raise UnsupportedError(
            f"weights {list(kernel.shape)} in {group} groups do not fit "
            f"{tensor.size(1)} channels"
        )
    window = windows.read_window(
        call, [tensor.size(axis) for axis in range(2, tensor.rank)], kernel.shape[2:]
    )
    if bias is not None and bias.shape != kernel.shape[:1]:
        raise UnsupportedError(f"its bias has the shape {list(bias.shape)}")
    data = call.arrange(tensor, channels_last(tensor.rank))
    axes = channels_last_axes(tensor.rank)
    name = call.name()

    def make(scale: np.ndarray, offset: np.ndarray) -> Tensor:
        own = bias
        if np.any(offset != 0):
            own = np.broadcast_to(offset.reshape(-1), kernel.shape[:1])
        return Tensor(_layers(call, data, kernel, own, window, group, name), axes)

    if bias is not None:
        return make(np.ones(1, np.float32), np.zeros(1, np.float32))
    return Pending(make, tensor.rank, takes_scale=False, channel_axis=1)


def _layers(
    call: Call,
    data: Any,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    window: Window,
    group: int,
    name: str,
) -> Any:
    """Makes the padding, the convolution, and steps that it cannot make itself."""
    rank = len(window.size)
    is_depthwise = group == data.shape[-1] and group > 1 and rank in _DEPTHWISE
    strides = window.strides
    # Keras cannot step over dilated taps; TensorFlow, depthwise, not unevenly.
    steps_after = max(strides) > 1 and (
        max(window.dilations) > 1 or (is_depthwise and len(set(strides)) > 1)
    )
    if steps_after and window.pads is None:
        pads = windows.same_pads(window, data.shape[1:-1])
        window = dataclasses.replace(window, pads=pads)
    data = windows.put_on(call, data, window.pads)
    options: dict[str, Any] = {
        "kernel_size": window.size,
        "strides": (1,) * rank if steps_after else strides,
        "padding": window.padding,
        "dilation_rate": window.dilations,
        "use_bias": bias is not None,
        "name": name,
    }
    order = (*range(2, rank + 2), 1, 0)
    if is_depthwise:
        multiplier = kernel.shape[0] // group
        layer = _DEPTHWISE[rank](depth_multiplier=multiplier, **options)
        array = kernel.reshape(group, multiplier, *window.size)
        array = array.transpose(*range(2, rank + 2), 0, 1)
    else:
        layer = _CONVOLUTIONS[rank](kernel.shape[0], groups=group, **options)
        array = kernel.transpose(order)
    data = layer(data)
    layer.set_weights([array] if bias is None else [array, bias])
    if steps_after:
        data = call.layer(
            _STEPS[rank], data, suffix="steps", pool_size=1, strides=strides
        )
    return data


OPERATORS = {
    "Conv": Operator(
        _convert, windows.ATTRIBUTES | windows.dilations() | windows.group(), 3
    )
}
