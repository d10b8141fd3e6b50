"""Poolings over windows and over whole images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerastpu.importers import windows
from kerastpu.importers.attributes import integer
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.convolution import channels_last_axes
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Tensor, channels_last
from kerastpu.importers.windows import Pads, Window

_MAX = {
    1: keras.layers.MaxPooling1D,
    2: keras.layers.MaxPooling2D,
    3: keras.layers.MaxPooling3D,
}
_AVERAGE = {
    1: keras.layers.AveragePooling1D,
    2: keras.layers.AveragePooling2D,
    3: keras.layers.AveragePooling3D,
}
_GLOBAL_MAX = {
    1: keras.layers.GlobalMaxPooling1D,
    2: keras.layers.GlobalMaxPooling2D,
    3: keras.layers.GlobalMaxPooling3D,
}
_GLOBAL_AVERAGE = {
    1: keras.layers.GlobalAveragePooling1D,
    2: keras.layers.GlobalAveragePooling2D,
    3: keras.layers.GlobalAveragePooling3D,
}
_MOST_TAPS = 121  # of a window with dilations: each is a layer's input
_ATTRIBUTES = windows.ATTRIBUTES | windows.dilations() | {"ceil_mode": integer(0, 0, 1)}


def _read(call: Call) -> tuple[Tensor, Any, Window, Pads]:
    """Reads window and input; the last is what rounding up puts on at the ends."""
    tensor = call.tensor()
    sizes = [tensor.size(axis) for axis in range(2, tensor.rank)]
    window = windows.read_window(call, sizes)
    if max(window.dilations) > 1 and window.pads is None:
        pads = windows.same_pads(window, sizes)
        window = dataclasses.replace(window, pads=pads)
    data = call.arrange(tensor, channels_last(tensor.rank))
    ends = ((0, 0),) * len(sizes)
    if call.attributes["ceil_mode"] and window.pads is not None:
        ends = tuple(
            (0, _more(*axis))
            for axis in zip(
                sizes, window.pads, window.spans, window.strides, strict=True
            )
        )
    return tensor, data, window, ends


def _more(length: int | None, pad: tuple[int, int], size: int, step: int) -> int:
    """Returns how much is missing for a last window that is not whole."""
    if length is None:
        raise UnsupportedError("ceil_mode with a size that is not known")
    begin, end = pad
    steps = math.ceil((length + begin + end - size) / step)
    if steps * step >= length + begin:  # it would begin in what is put on
        steps -= 1
    return max(steps * step + size - (length + begin + end), 0)


def _sum(one: Pads, other: Pads) -> Pads:
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(one, other, strict=True))


def _max_pool(call: Call) -> Tensor:
    tensor, data, window, ends = _read(call)
    if window.pads is not None:
        data = windows.put_on_value(data, _sum(window.pads, ends), windows.LOWEST)
    data = _pool(call, _MAX, keras.layers.Maximum, data, window)
    return Tensor(data, channels_last_axes(tensor.rank))


def _pool(
    call: Call, kinds: Any, several: Any, data: Any, window: Window, suffix: str = ""
) -> Any:
    """Pools; over taps that lie apart, which Keras cannot, tap by tap."""
    if max(window.dilations) == 1:
        return call.layer(
            kinds[len(window.size)],
            data,
            suffix=suffix,
            pool_size=window.size,
            strides=window.strides,
            padding=window.padding,
        )
    if None in data.shape[1:-1] or math.prod(window.size) > _MOST_TAPS:
        raise UnsupportedError(
            f"dilations with a size that is not known, or more than {_MOST_TAPS} taps"
        )
    last = [n - span for n, span in zip(data.shape[1:], window.spans, strict=False)]
    taps = []
    for place in np.ndindex(*window.size):
        starts = [int(i * d) for i, d in zip(place, window.dilations, strict=True)]
        parts = [
            slice(start, start + more + 1, step)
            for start, more, step in zip(starts, last, window.strides, strict=True)
        ]
        taps.append(data[(slice(None), *parts)])
    return call.layer(several, taps, suffix=suffix) if len(taps) > 1 else taps[0]


def _average_pool(call: Call) -> Tensor:
    """Averages; what counts in a window that reaches over the border differs."""
    tensor, data, window, ends = _read(call)
    axes = channels_last_axes(tensor.rank)
    counts_border = bool(call.attributes["count_include_pad"])

    def pool(data: Any, pads: Pads | None, suffix: str = "") -> Any:
        own = dataclasses.replace(window, pads=pads)
        return _pool(call, _AVERAGE, keras.layers.Average, data, own, suffix)

    pads = window.pads
    if pads is None and counts_border:
        pads = windows.same_pads(window, data.shape[1:-1])
    if pads is None or not np.any(_sum(pads, ends)):
        return Tensor(pool(data, pads), axes)
    whole = _sum(pads, ends)
    if counts_border and not np.any(ends):
        return Tensor(pool(windows.put_on(call, data, whole), whole), axes)
    # Of each window, the share of elements that count.
    ones = keras.ops.ones_like(data)
    first, later = (pads, ends) if counts_border else (((0, 0),) * len(pads), whole)
    ones = windows.put_on_value(ones, first, 1.0)
    share = pool(windows.put_on_value(ones, later, 0.0), whole, "share")
    average = pool(windows.put_on(call, data, whole), whole)
    return Tensor(keras.ops.divide(average, share), axes)


def _global(kinds: dict[int, Any]) -> Callable[[Call], Tensor]:
    """Makes the function of a pooling over everything but batch and channels."""

    def convert(call: Call) -> Tensor:
        tensor = call.tensor()
        if tensor.rank - 2 not in kinds:
            raise UnsupportedError(f"it pools over {tensor.rank - 2} axes")
        data = call.arrange(tensor, channels_last(tensor.rank))
        data = call.layer(kinds[tensor.rank - 2], data)
        return Tensor(data, ((0,), (1,), *(() for _ in range(2, tensor.rank))))

    return convert


OPERATORS = {
    "AveragePool": Operator(
        _average_pool, _ATTRIBUTES | {"count_include_pad": integer(0)}
    ),
    "GlobalAveragePool": Operator(_global(_GLOBAL_AVERAGE)),
    "GlobalMaxPool": Operator(_global(_GLOBAL_MAX)),
    "MaxPool": Operator(_max_pool, _ATTRIBUTES | {"storage_order": integer(0)}),
}
