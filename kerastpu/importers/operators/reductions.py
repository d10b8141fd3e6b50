"""Means, sums and extremes along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from kerastpu.importers.attributes import integer, integers
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import BATCH, Tensor

_GLOBAL = {
    keras.ops.mean: {
        3: keras.layers.GlobalAveragePooling1D,
        4: keras.layers.GlobalAveragePooling2D,
        5: keras.layers.GlobalAveragePooling3D,
    },
    keras.ops.max: {
        3: keras.layers.GlobalMaxPooling1D,
        4: keras.layers.GlobalMaxPooling2D,
        5: keras.layers.GlobalMaxPooling3D,
    },
}


def _reduction(function: Callable[..., Any]) -> Callable[[Call], Tensor]:
    """Makes the function of a reduction; over all of an image it is a pooling."""

    def convert(call: Call) -> Tensor:
        tensor, axes = call.tensor(), call.integers(1, "axes")
        if not axes:
            if call.attributes["noop_with_empty_axes"]:
                return tensor
            axes = list(range(tensor.rank))
        if any(not -tensor.rank <= axis < tensor.rank for axis in axes):
            raise UnsupportedError(f"there are not all of axes {axes}")
        gone = {axis % tensor.rank for axis in axes}
        stored = sorted(i for axis in gone for i in tensor.axes[axis])
        if BATCH in stored:
            raise UnsupportedError("it mixes the examples of a batch")
        data = _reduced(call, tensor.data, stored, function)
        left = [i for i in range(len(tensor.data.shape)) if i not in stored]
        groups = [
            tuple(left.index(i) for i in group if i in left) for group in tensor.axes
        ]
        if not call.attributes["keepdims"]:
            groups = [group for axis, group in enumerate(groups) if axis not in gone]
        return Tensor(data, tuple(groups))

    return convert


def _reduced(
    call: Call, data: Any, axes: list[int], function: Callable[..., Any]
) -> Any:
    """Reduces along axes of Keras."""
    if not axes:
        return data
    rank = len(data.shape)
    layer = _GLOBAL.get(function, {}).get(rank)
    if layer is not None and axes == list(range(1, rank - 1)):
        return call.layer(layer, data)
    return function(data, axis=tuple(axes))


_ATTRIBUTES = {
    "axes": integers(),
    "keepdims": integer(1, 0, 1),
    "noop_with_empty_axes": integer(0, 0, 1),
}
OPERATORS = {
    name: Operator(_reduction(function), _ATTRIBUTES, 2)
    for name, function in (
        ("ReduceMax", keras.ops.max),
        ("ReduceMean", keras.ops.mean),
        ("ReduceMin", keras.ops.min),
        ("ReduceProd", keras.ops.prod),
        ("ReduceSum", keras.ops.sum),
    )
}
