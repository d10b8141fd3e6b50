"""Gemm and MatMul: a Dense layer, where one side is a constant."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerastpu.importers.arrays import as_float
from kerastpu.importers.attributes import integer, real
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import BATCH, Known, Pending, Tensor


def dense(
    call: Call, tensor: Tensor, kernel: np.ndarray, bias: np.ndarray | None
) -> Tensor | Pending:
    """Makes a Dense layer over the last axis of ONNX.

    Where that axis is a flattened image, whose elements Keras has in another order, the
    rows of the kernel are brought into that order.

    Args:
        call: The node.
        tensor: Inputs.
        kernel: (inputs, units).
        bias: (units,); None: a summand that follows can become it.
    """
    if kernel.ndim != 2 or not kernel.size:
        raise UnsupportedError(f"its weights have the shape {list(kernel.shape)}")
    if tensor.size(tensor.rank - 1) != len(kernel):
        raise UnsupportedError(
            f"weights {list(kernel.shape)} do not fit {tensor.size(tensor.rank - 1)} "
            "inputs"
        )
    data, axes, kernel = _last_axis(call, tensor, kernel)
    name = call.name()
    units = kernel.shape[1]

    def make(scale: np.ndarray, offset: np.ndarray) -> Tensor:
        own = bias
        if np.any(offset != 0):
            own = np.broadcast_to(offset.reshape(-1), (units,))
        layer = keras.layers.Dense(units, use_bias=own is not None, name=name)
        result = layer(data)
        layer.set_weights([kernel] if own is None else [kernel, own])
        return Tensor(result, axes)

    if bias is not None:
        return make(np.ones(1, np.float32), np.zeros(1, np.float32))
    return Pending(make, tensor.rank, False, tensor.rank - 1)


def _last_axis(
    call: Call, tensor: Tensor, kernel: np.ndarray
) -> tuple[Any, tuple[tuple[int, ...], ...], np.ndarray]:
    """Returns data whose last axis is that of ONNX, its axes, and the kernel for it."""
    group = tensor.axes[-1]
    last = len(tensor.data.shape) - 1
    if group == (last,) and last != BATCH:
        return tensor.data, tensor.axes, kernel
    if tensor.axes[0] == (BATCH,) and tensor.rank == 2 and len(group) > 1:
        sizes = [tensor.data.shape[axis] for axis in group]
        data = call.layer(keras.layers.Flatten, tensor.data, suffix="flatten")
        rows = kernel.reshape(*sizes, -1).transpose(*np.argsort(group), len(group))
        return data, ((0,), (1,)), rows.reshape(kernel.shape)
    order = _batch_first(tensor)
    axes = tuple((order.index(axis),) for axis in range(tensor.rank))
    return call.arrange(tensor, order), axes, kernel


def _batch_first(tensor: Tensor) -> list[int]:
    """Returns the axes of ONNX in their order, but the batch before the others."""
    batch = tensor.batch_axis
    return [batch, *(axis for axis in range(tensor.rank) if axis != batch)]


def _gemm(call: Call) -> Any:
    settings = call.attributes
    if settings["transA"]:
        raise UnsupportedError("transA: it mixes the examples of a batch")
    kernel = call.weight(1) * np.float32(settings["alpha"])
    if kernel.ndim != 2:
        raise UnsupportedError(f"its weights have the shape {list(kernel.shape)}")
    kernel = kernel.T if settings["transB"] else kernel
    bias = call.constant(2)
    if call.tensor().rank != 2:
        raise UnsupportedError(f"it gets {call.tensor().rank} axes, not two")
    if bias is None:
        return dense(call, call.tensor(), kernel, None)
    bias = as_float(bias) * np.float32(settings["beta"])
    if bias.ndim > 2 or (bias.ndim == 2 and len(bias) != 1):
        raise UnsupportedError("its summand differs between the examples of a batch")
    if bias.size not in (1, kernel.shape[1]):
        raise UnsupportedError(f"its summand has the shape {list(bias.shape)}")
    bias = np.broadcast_to(bias.reshape(-1), (kernel.shape[1],))
    return dense(call, call.tensor(), kernel, bias)


def _matmul(call: Call) -> Any:
    if isinstance(call.value(0), Known):
        raise UnsupportedError("input 0 is a constant")
    left = call.tensor()
    if isinstance(call.value(1), Known):
        kernel = call.weight(1)
        if kernel.ndim == 1:
            raise UnsupportedError("its weights have one axis")
        if kernel.ndim == 2:
            return dense(call, left, kernel, None)
        if kernel.ndim > left.rank or any(size != 1 for size in kernel.shape[:-2]):
            raise UnsupportedError("it has other weights for each of several parts")
        return dense(call, left, kernel.reshape(kernel.shape[-2:]), None)
    right = call.tensor(1)
    if left.rank < 3 or left.rank != right.rank or left.batch_axis or right.batch_axis:
        raise UnsupportedError("it mixes the examples of a batch")
    data = [call.arrange(tensor, range(tensor.rank)) for tensor in (left, right)]
    axes = tuple((axis,) for axis in range(left.rank))
    return Tensor(keras.ops.matmul(*data), axes)


OPERATORS = {
    "Gemm": Operator(
        _gemm,
        {
            "alpha": real(1.0),
            "beta": real(1.0),
            "transA": integer(0, 0, 1),
            "transB": integer(0, 0, 1),
        },
        3,
    ),
    "MatMul": Operator(_matmul, most_inputs=2),
}
