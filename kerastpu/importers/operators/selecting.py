"""Slice, Gather and ReverseSequence: parts of an axis, or all of it, backwards."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerastpu.importers import limits
from kerastpu.importers.attributes import integer, integers
from kerastpu.importers.call import Call
from kerastpu.importers.constant_functions import slice_of
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import BATCH, Known, Tensor

_OUT_OF_BATCH = "it takes examples out of their batch"


def _slice(call: Call) -> Tensor:
    tensor = call.tensor()
    starts, stops = call.integers(1, "starts"), call.integers(2, "ends")
    axes = call.integers(3, "axes")
    if starts is None or stops is None:
        raise UnsupportedError("it tells not where to begin and to end")
    axes = list(range(len(starts))) if axes is None else axes
    steps = call.integers(4) or [1] * len(starts)
    if not len(starts) == len(stops) == len(axes) == len(steps):
        raise UnsupportedError("its lists differ in length")
    if any(not -tensor.rank <= axis < tensor.rank for axis in axes):
        raise UnsupportedError(f"there are not all of axes {axes}")
    tensor = call.settle(tensor, axes)
    index = [slice(None)] * len(tensor.data.shape)
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        place = _place(call, tensor, axis % tensor.rank, start, stop, step)
        if place is not None:
            index[place[0]] = place[1]
    if all(part == slice(None) for part in index):
        return tensor
    return tensor.with_data(tensor.data[tuple(index)])


def _place(
    call: Call, tensor: Tensor, axis: int, start: int, stop: int, step: int
) -> tuple[int, slice] | None:
    """Returns an axis of Keras and what is taken of it; None: all of it."""
    size = tensor.size(axis)
    if step == 1 and start == 0 and stop >= limits.MAX_DIMENSION:
        return None
    if size is None:
        if axis == tensor.batch_axis or step != 1:
            raise UnsupportedError(_OUT_OF_BATCH)
        stops = None if stop >= limits.MAX_DIMENSION else stop
        return tensor.stored_axis(axis), slice(start, stops)
    part = slice_of(size, start, stop, step)
    if len(range(*part.indices(size))) == 0:
        raise UnsupportedError("nothing is left")
    if part == slice(0, size, 1):
        return None
    return tensor.stored_axis(axis), part


def _gather(call: Call) -> Tensor:
    tensor, axis = call.tensor(), call.attributes["axis"]
    indices = call.constant(1)
    if indices is None or indices.dtype.kind not in "iu" or indices.ndim > 1:
        raise UnsupportedError("its indices must be one integer, or a list")
    if not -tensor.rank <= axis < tensor.rank:
        raise UnsupportedError(f"there is no axis {axis}")
    axis %= tensor.rank
    tensor = call.settle(tensor, [axis])
    place, size = tensor.stored_axis(axis), tensor.size(axis)
    if place == BATCH:
        raise UnsupportedError(_OUT_OF_BATCH)
    if size is None or not np.all((indices >= -size) & (indices < size)):
        raise UnsupportedError(f"its indices lie outside of {size} elements")
    indices = indices % size
    if indices.ndim == 0:
        index: list[Any] = [slice(None)] * len(tensor.data.shape)
        index[place] = int(indices)
        groups = [
            tuple(i - (i > place) for i in group)
            for other, group in enumerate(tensor.axes)
            if other != axis
        ]
        return Tensor(tensor.data[tuple(index)], tuple(groups))
    if np.array_equal(indices, np.arange(size)[::-1]):
        return tensor.with_data(keras.ops.flip(tensor.data, axis=place))
    taken = keras.ops.take(tensor.data, indices.astype(np.int32), axis=place)
    return tensor.with_data(taken)


def _reverse_sequence(call: Call) -> Tensor:
    """Turns a whole axis around, as tf2onnx writes a flip."""
    tensor, lengths = call.tensor(), call.value(1)
    axis = call.attributes["time_axis"]
    if not isinstance(lengths, Known) or not 0 <= axis < tensor.rank:
        raise UnsupportedError("its lengths must be constants")
    tensor = call.settle(tensor, [axis])
    size = tensor.size(axis)
    if size is None or np.any(lengths.first != size) or np.any(lengths.second != size):
        raise UnsupportedError("it turns a part of an axis around")
    place = tensor.stored_axis(axis)
    if place == BATCH:
        raise UnsupportedError("it mixes the examples of a batch")
    return tensor.with_data(keras.ops.flip(tensor.data, axis=place))


OPERATORS = {
    "Gather": Operator(_gather, {"axis": integer(0)}, 2),
    "ReverseSequence": Operator(
        _reverse_sequence, {"batch_axis": integer(1), "time_axis": integer(0)}, 2
    ),
    "Slice": Operator(
        _slice, {"axes": integers(), "ends": integers(), "starts": integers()}, 5
    ),
}
