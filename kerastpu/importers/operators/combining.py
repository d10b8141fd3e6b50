"""Concat and Split."""

from __future__ import annotations

import keras
import numpy as np

from kerastpu.importers.attributes import integer, integers
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import BATCH, Tensor, order_of


def _concat(call: Call) -> Tensor:
    tensors = [call.tensor(index) for index in range(len(call.inputs))]
    axis = call.attributes["axis"]
    ranks = {tensor.rank for tensor in tensors}
    if len(ranks) != 1 or axis is None or not -min(ranks) <= axis < min(ranks):
        raise UnsupportedError(f"axis {axis} of values with {sorted(ranks)} axes")
    (rank,) = ranks
    axis %= rank
    if len(tensors) == 1:
        return tensors[0]
    same = len({tensor.axes for tensor in tensors}) == 1
    if same and len(tensors[0].axes[axis]) == 1:
        data, axes = [tensor.data for tensor in tensors], tensors[0].axes
    else:
        largest = sorted(tensors, key=lambda tensor: -len(tensor.data.shape))
        whole = Tensor(None, tuple((i,) if i == axis else () for i in range(rank)))
        order = order_of([*largest, whole])
        data = [call.arrange(tensor, order) for tensor in tensors]
        axes = tuple((order.index(i),) if i in order else () for i in range(rank))
    place = axes[axis][0]
    if place == BATCH:
        raise UnsupportedError("it mixes the examples of a batch")
    place = -1 if place == len(data[0].shape) - 1 else place
    return Tensor(call.layer(keras.layers.Concatenate, data, axis=place), axes)


def _split(call: Call) -> tuple[Tensor, ...]:
    tensor, axis = call.tensor(), call.attributes["axis"]
    if not -tensor.rank <= axis < tensor.rank:
        raise UnsupportedError(f"there is no axis {axis}")
    axis %= tensor.rank
    if axis == tensor.batch_axis:
        raise UnsupportedError("it takes examples out of their batch")
    tensor = call.settle(tensor, [axis])
    size, count = tensor.size(axis), len(call.node.outputs)
    sizes = call.integers(1, "split")
    if sizes is None:
        if size is None:
            raise UnsupportedError("it splits an axis whose size is not known")
        part = -(-size // count)
        sizes = [min(part, size - part * index) for index in range(count)]
    if sum(sizes) != size or len(sizes) != count or min(sizes) < 1:
        raise UnsupportedError(f"parts {sizes} do not fit {size} elements")
    place = tensor.stored_axis(axis)
    borders = [int(border) for border in np.cumsum(sizes)[:-1]]
    if not borders:
        return (tensor,)
    parts = keras.ops.split(tensor.data, borders, axis=place)
    return tuple(tensor.with_data(part) for part in parts)


OPERATORS = {
    "Concat": Operator(_concat, {"axis": integer()}),
    "Split": Operator(
        _split, {"axis": integer(0), "num_outputs": integer(), "split": integers()}, 2
    ),
}
