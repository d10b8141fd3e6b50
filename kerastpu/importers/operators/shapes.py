"""Operators that only say anew how the axes lie."""

from __future__ import annotations

import math

import keras
import numpy as np

from kerastpu.importers import layout
from kerastpu.importers.attributes import integer, integers
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Known, Tensor


def _axis(axis: int, rank: int) -> int:
    """Returns an axis counted from the front.

    Raises:
        UnsupportedError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise UnsupportedError(f"there is no axis {axis} among {rank}")
    return axis % rank


def _identity(call: Call) -> Tensor:
    return call.tensor()


def _transpose(call: Call) -> Tensor:
    tensor = call.tensor()
    order = call.attributes["perm"]
    if order is None:
        order = tuple(reversed(range(tensor.rank)))
    if sorted(order) != list(range(tensor.rank)):
        raise UnsupportedError(f"perm {list(order)} is no order of {tensor.rank} axes")
    return tensor.with_axes(tuple(tensor.axes[axis] for axis in order))


def _unsqueeze(call: Call) -> Tensor:
    tensor = call.tensor()
    new = call.integers(1, "axes") or []
    rank = tensor.rank + len(new)
    places = {_axis(axis, rank) for axis in new}
    if len(places) != len(new):
        raise UnsupportedError(f"axes {new} name one twice")
    old = iter(tensor.axes)
    return tensor.with_axes(
        tuple(() if axis in places else next(old) for axis in range(rank))
    )


def _squeeze(call: Call) -> Tensor:
    tensor = call.tensor()
    axes = call.integers(1, "axes")
    if axes is None:
        axes = [
            axis
            for axis, group in enumerate(tensor.axes)
            if tensor.size(axis) == 1 and 0 not in group
        ]
    gone = {_axis(axis, tensor.rank) for axis in axes}
    first, second = call.sizes.shape(tensor)
    if any(first[axis] != 1 or second[axis] != 1 for axis in gone):
        raise UnsupportedError(f"axes {axes} are not all of size one")
    if tensor.batch_axis in gone:
        raise UnsupportedError("it takes the only example out of its batch")
    return _reshaped(
        call,
        tensor,
        *(
            [s for i, s in enumerate(sizes) if i not in gone]
            for sizes in (first, second)
        ),
    )


def _flatten(call: Call) -> Tensor:
    tensor = call.tensor()
    axis = call.attributes["axis"]
    if axis != tensor.rank:
        axis = _axis(axis, tensor.rank)
    first, second = (
        [math.prod(sizes[:axis]), math.prod(sizes[axis:])]
        for sizes in call.sizes.shape(tensor)
    )
    return _reshaped(call, tensor, first, second)


def _reshape(call: Call) -> Tensor:
    tensor = call.tensor()
    wanted = call.value(1)
    if call.attributes["shape"] is not None:
        given = np.asarray(call.attributes["shape"])
        wanted = Known(given, given)
    if not isinstance(wanted, Known):
        raise UnsupportedError("its shape depends on what goes in")
    copies_zero = not call.attributes["allowzero"]
    first, second = (
        _target(target, sizes, copies_zero)
        for target, sizes in zip(
            (wanted.first, wanted.second), call.sizes.shape(tensor), strict=True
        )
    )
    return _reshaped(call, tensor, first, second)


def _target(target: np.ndarray, sizes: list[int], copies_zero: bool) -> list[int]:
    """Returns the new sizes: 0 copies one, -1 is what is left."""
    if target.ndim != 1 or target.dtype.kind not in "iu":
        raise UnsupportedError("its shape is no list of integers")
    new = [int(size) for size in target]
    if copies_zero:
        if any(not size and i >= len(sizes) for i, size in enumerate(new)):
            raise UnsupportedError(f"shape {new} copies an axis that is not there")
        new = [size or sizes[i] for i, size in enumerate(new)]
    rest = math.prod(size for size in new if size != -1)
    if new.count(-1) > 1 or min(new, default=1) < -1 or not rest:
        raise UnsupportedError(f"{new} is no shape")
    total = math.prod(sizes)
    new = [total // rest if size == -1 else size for size in new]
    if math.prod(new) != total:
        raise UnsupportedError(
            f"a value of shape {sizes} cannot take the shape {new}, for batches of "
            "any size"
        )
    return new


def _reshaped(
    call: Call, tensor: Tensor, first: list[int], second: list[int]
) -> Tensor:
    """Returns the value with new sizes, given for both sizes of the batch."""
    if (first, second) == call.sizes.shape(tensor):
        return tensor
    try:
        return layout.split(tensor, _groups(call, tensor, first, second), call.name)
    except UnsupportedError:
        if tensor.batch_axis or (first[:1], second[:1]) != tuple(
            [size] for size in call.sizes.batch
        ):
            raise
    data = call.arrange(tensor, range(tensor.rank))
    target = tuple(
        a if a == b else -1 for a, b in zip(first[1:], second[1:], strict=True)
    )
    data = call.layer(keras.layers.Reshape, data, target_shape=target)
    return Tensor(data, tuple((axis,) for axis in range(len(first))))


def _groups(
    call: Call, tensor: Tensor, first: list[int], second: list[int]
) -> list[list[tuple[int, int]]]:
    """Returns what `layout.regroup` finds, if it is the same for both sizes."""
    found, compared = [], []
    for which, targets in enumerate((first, second)):
        factors = call.sizes.factors(tensor, which)
        groups = layout.regroup(factors, targets)
        found.append(groups)
        # A whole axis may be of another size; a part of one may not.
        whole = set(factors)
        compared.append(
            [
                [
                    (axis, None if (axis, size) in whole else size)
                    for axis, size in group
                ]
                for group in groups
            ]
        )
    if compared[0] != compared[1]:
        raise UnsupportedError(layout.MIXED)
    return found[0]


def _shape(call: Call) -> Known:
    tensor = call.tensor()
    start, end = call.attributes["start"], call.attributes["end"]
    first, second = call.sizes.shape(tensor)
    return Known(np.asarray(first[start:end]), np.asarray(second[start:end]))


def _size(call: Call) -> Known:
    first, second = call.sizes.shape(call.tensor())
    return Known(np.asarray(math.prod(first)), np.asarray(math.prod(second)))


def _cast(call: Call) -> Tensor:
    import onnx

    tensor = call.tensor()
    floats = [
        getattr(onnx.TensorProto, name)
        for name in ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
    ]
    if call.attributes["to"] not in floats:
        raise UnsupportedError("it makes integers of what goes in")
    return Tensor(tensor.data, tensor.axes, tensor.is_input)


OPERATORS = {
    "Cast": Operator(_cast, {"to": integer(), "saturate": integer(1)}),
    "Flatten": Operator(_flatten, {"axis": integer(1)}),
    "Identity": Operator(_identity),
    "Reshape": Operator(_reshape, {"allowzero": integer(0), "shape": integers()}),
    "Shape": Operator(_shape, {"start": integer(0), "end": integer()}),
    "Size": Operator(_size),
    "Squeeze": Operator(_squeeze, {"axes": integers()}),
    "Transpose": Operator(_transpose, {"perm": integers()}),
    "Unsqueeze": Operator(_unsqueeze, {"axes": integers()}),
}
