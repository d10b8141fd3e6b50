"""Add, Sub, Mul and Div: with constants one layer for a chain of them, if it can be.

A factor and a summand for each channel are a BatchNormalization, those of a
BatchNormalization or a convolution before belong to it, and what is done to the pixels
before the first layer is a Rescaling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerastpu.importers.arrays import as_float
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.layout import stored_array
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Known, Pending, Tensor

_EPSILON = 1e-3


def _affine(op: str, constant: np.ndarray, is_first: bool) -> tuple[Any, Any]:
    """Returns factor and summand of an operation with a constant."""
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if op == "Add":
        return one, constant
    if op == "Sub":
        return (-one, constant) if is_first else (one, -constant)
    if op == "Mul":
        return constant, zero
    return (np.float64(1) / constant).astype(np.float32), zero


def convert(call: Call) -> Tensor | Pending:
    """Makes a layer of two values, or notes what is done with a constant."""
    left, right = call.value(0), call.value(1)
    for index, constant, other in ((0, left, right), (1, right, left)):
        if not isinstance(constant, Known) or isinstance(other, Known):
            continue
        array = _constant(constant)
        if call.node.op == "Div" and index == 0:
            break
        scale, offset = _affine(call.node.op, array, index == 0)
        return _then(call, 1 - index, scale, offset)
    return _elementwise(call)


def _constant(known: Known) -> np.ndarray:
    """Returns a constant; one that grows with the batch must be the same all over."""
    if known.is_fixed:
        return as_float(known.first).reshape(known.first.shape or (1,))
    values = np.unique(np.concatenate([known.first.ravel(), known.second.ravel()]))
    if len(values) != 1:
        raise UnsupportedError("a constant depends on the size of the batch")
    return as_float(values)


def _then(
    call: Call, index: int, scale: np.ndarray, offset: np.ndarray
) -> Tensor | Pending:
    """Returns an input times `scale` plus `offset`, made as late as possible."""
    value = call.value(index)
    if isinstance(value, Pending):
        whole = value.then(scale, offset)
        if whole is not None:
            return whole
        value = value.value()
    if not isinstance(value, Tensor):
        raise UnsupportedError(f"input {index} is left out")
    tensor = value
    rank = max(tensor.rank, scale.ndim, offset.ndim)
    tensor = tensor.with_axes(((),) * (rank - tensor.rank) + tensor.axes)
    name = call.name()

    def make(scale: np.ndarray, offset: np.ndarray) -> Tensor:
        return _make(call, tensor, scale, offset, name)

    return Pending(make, rank, True, None).then(scale, offset) or make(scale, offset)


def _make(
    call: Call, tensor: Tensor, scale: np.ndarray, offset: np.ndarray, name: str
) -> Tensor:
    """Makes the layer of a factor and a summand."""
    shape = np.broadcast_shapes(scale.shape, offset.shape)
    shape = (1,) * (tensor.rank - len(shape)) + shape
    if any(size != 1 and not tensor.axes[i] for i, size in enumerate(shape)):
        return _widened(call, tensor, scale, offset)
    stored = [stored_array(array, tensor) for array in (scale, offset)]
    if any(array.size != array.shape[-1] for array in stored):
        return tensor.with_data(_with_arrays(tensor.data, *stored))
    scale, offset = (array.reshape(-1) for array in stored)
    is_batch_norm = (
        max(scale.size, offset.size) > 1
        and not tensor.is_input
        and np.any(scale != 1)
        and np.any(offset != 0)
    )
    if is_batch_norm:
        return tensor.with_data(_batch_norm(tensor, scale, offset, name))
    layer = keras.layers.Rescaling(_plain(scale), offset=_plain(offset), name=name)
    return tensor.with_data(layer(tensor.data))


def _batch_norm(
    tensor: Tensor, scale: np.ndarray, offset: np.ndarray, name: str
) -> keras.KerasTensor:
    """Makes a BatchNormalization that has seen means of 0 and variances of 1."""
    layer = keras.layers.BatchNormalization(epsilon=_EPSILON, name=name)
    result = layer(tensor.data)
    shape = (tensor.data.shape[-1],)
    gamma, beta = np.broadcast_to(scale, shape), np.broadcast_to(offset, shape)
    zeros = np.zeros(shape, np.float32)
    layer.set_weights([gamma, beta, zeros, zeros + np.float32(1 - _EPSILON)])
    return result


def _plain(array: np.ndarray) -> float | list[float]:
    """Returns what Rescaling can write into its config."""
    return float(array[0]) if array.size == 1 else [float(number) for number in array]


def _with_arrays(data: Any, scale: np.ndarray, offset: np.ndarray) -> Any:
    """Applies arrays that differ along several axes."""
    if np.any(scale != 1):
        data = keras.ops.multiply(data, scale)
    return keras.ops.add(data, offset) if np.any(offset != 0) else data


def _widened(
    call: Call, tensor: Tensor, scale: np.ndarray, offset: np.ndarray
) -> Tensor:
    """Applies constants that are larger than the value along an axis of size one."""
    if tensor.batch_axis:
        raise UnsupportedError("a constant has more axes than what goes in")
    data = call.arrange(tensor, range(tensor.rank))
    scale, offset = (
        array.reshape((1,) * (tensor.rank - array.ndim) + array.shape)
        for array in (scale, offset)
    )
    if max(scale.shape[0], offset.shape[0]) != 1:
        raise UnsupportedError("a constant differs between the examples of a batch")
    axes = tuple((axis,) for axis in range(tensor.rank))
    return Tensor(_with_arrays(data, scale, offset), axes)


_LAYERS: dict[str, Callable[[list[Any], str], Any]] = {
    "Add": lambda data, name: keras.layers.Add(name=name)(data),
    "Sub": lambda data, name: keras.layers.Subtract(name=name)(data),
    "Mul": lambda data, name: keras.layers.Multiply(name=name)(data),
    "Div": lambda data, name: keras.ops.divide(*data),
}


def _elementwise(call: Call) -> Tensor:
    """Makes the layer of two values that go in, or of a constant divided by one."""
    left, right = (_tensor(value) for value in call.inputs[:2])
    if isinstance(left, Known):
        if not isinstance(right, Tensor):
            raise UnsupportedError("both inputs are constants")
        array = stored_array(_constant(left), right)
        return right.with_data(keras.ops.divide(array, right.data))
    if not isinstance(left, Tensor) or not isinstance(right, Tensor):
        raise UnsupportedError("an input is left out")
    data, axes = call.align([left, right])
    return Tensor(_LAYERS[call.node.op](data, call.name()), axes)


def _tensor(value: Any) -> Any:
    return value.value() if isinstance(value, Pending) else value


OPERATORS = {
    op: Operator(convert, most_inputs=2) for op in ("Add", "Sub", "Mul", "Div")
}
