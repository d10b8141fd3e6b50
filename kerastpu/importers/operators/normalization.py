"""BatchNormalization and its kin, dropout, and local response normalization."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerastpu.importers.attributes import integer, real
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.convolution import channels_last_axes
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Pending, Tensor, channels_last


def _batch_norm(call: Call) -> Pending:
    tensor = call.tensor()
    gamma, beta, mean, variance = (call.weight(index) for index in (1, 2, 3, 4))
    if tensor.rank < 2 or tensor.batch_axis != 0:
        raise UnsupportedError("its second axis must be the channels")
    shapes = {array.shape for array in (gamma, beta, mean, variance)}
    if shapes != {(tensor.size(1),)}:
        raise UnsupportedError(f"its weights do not fit {tensor.size(1)} channels")
    if len(tensor.axes[1]) == 1:
        data, axes = tensor.data, tensor.axes
    else:
        data = call.arrange(tensor, channels_last(tensor.rank))
        axes = channels_last_axes(tensor.rank)
    axis = axes[1][0]
    axis = -1 if axis == len(data.shape) - 1 else axis
    name = call.name()

    def make(scale: np.ndarray, offset: np.ndarray) -> Tensor:
        layer = keras.layers.BatchNormalization(
            axis=axis,
            momentum=call.attributes["momentum"],
            epsilon=call.attributes["epsilon"],
            name=name,
        )
        result = layer(data)
        factor, summand = scale.reshape(-1), offset.reshape(-1)
        layer.set_weights([gamma * factor, beta * factor + summand, mean, variance])
        return Tensor(result, axes)

    return Pending(make, tensor.rank, True, 1)


def _instance_norm(call: Call) -> Tensor:
    """Is a GroupNormalization with a group for each channel."""
    tensor = call.tensor()
    return _group_norm(call, tensor, tensor.size(1) or 0)


def _group_norm(call: Call, tensor: Tensor, groups: int) -> Tensor:
    channels = tensor.size(1)
    gamma, beta = call.weight(1), call.weight(2)
    if tensor.rank < 3 or groups < 1 or not channels or channels % groups:
        raise UnsupportedError(f"{groups} groups of {channels} channels")
    if {gamma.shape, beta.shape} != {(channels,)}:
        raise UnsupportedError(f"its weights do not fit {channels} channels")
    data = call.layer(
        keras.layers.GroupNormalization,
        call.arrange(tensor, channels_last(tensor.rank)),
        [gamma, beta],
        groups=groups,
        epsilon=call.attributes["epsilon"],
    )
    return Tensor(data, channels_last_axes(tensor.rank))


def _layer_norm(call: Call) -> Tensor:
    tensor = call.tensor()
    gamma, beta = call.weight(1), call.constant(2)
    axis = call.attributes["axis"]
    if axis % tensor.rank != tensor.rank - 1 or tensor.axes[-1] == ():
        raise UnsupportedError("it normalizes more than the last axis")
    tensor = call.settle(tensor, [tensor.rank - 1])
    axis = tensor.stored_axis(tensor.rank - 1)
    if gamma.shape != (tensor.data.shape[axis],):
        raise UnsupportedError(f"its weights have the shape {list(gamma.shape)}")
    weights = [gamma] if beta is None else [gamma, beta]
    data = call.layer(
        keras.layers.LayerNormalization,
        tensor.data,
        weights,
        axis=-1 if axis == len(tensor.data.shape) - 1 else axis,
        epsilon=call.attributes["epsilon"],
        center=beta is not None,
    )
    return tensor.with_data(data)


def _lrn(call: Call) -> Tensor:
    """Divides by a power of the mean square of neighboring channels.

    A pooling along the channels takes the mean: to it, height is the channels.
    """
    tensor, size = call.tensor(), call.attributes["size"]
    if tensor.rank != 4 or size is None or not 1 <= size <= (tensor.size(1) or 0) * 2:
        raise UnsupportedError(f"size {size} over {tensor.size(1)} channels")
    data = call.arrange(tensor, channels_last(4))
    mean: Any = call.layer(
        keras.layers.ZeroPadding2D,
        keras.ops.square(data),
        suffix="pad",
        padding=((0, 0), ((size - 1) // 2, size // 2)),
        data_format="channels_first",
    )
    mean = call.layer(
        keras.layers.AveragePooling2D,
        mean,
        suffix="mean",
        pool_size=(1, size),
        strides=1,
        data_format="channels_first",
    )
    total = call.layer(
        keras.layers.Rescaling,
        mean,
        suffix="scale",
        scale=call.attributes["alpha"],
        offset=call.attributes["bias"],
    )
    power = keras.ops.power(total, -call.attributes["beta"])
    data = call.layer(keras.layers.Multiply, [data, power])
    return Tensor(data, channels_last_axes(4))


def _dropout(call: Call) -> Tensor:
    tensor = call.tensor()
    training = call.constant(2)
    if training is not None and np.any(training):
        raise UnsupportedError("it drops elements outside of training")
    given = call.constant(1)
    ratio = call.attributes["ratio"] if given is None else float(given.reshape(-1)[0])
    if not 0 <= ratio < 1:
        raise UnsupportedError(f"its ratio is {ratio:g}")
    data = call.layer(keras.layers.Dropout, tensor.data, rate=ratio)
    return tensor.with_data(data)


OPERATORS = {
    "BatchNormalization": Operator(
        _batch_norm,
        {
            "epsilon": real(1e-5),
            "momentum": real(0.9),
            "spatial": integer(1, 1),
            "training_mode": integer(0, 0),
        },
        5,
    ),
    "Dropout": Operator(_dropout, {"ratio": real(0.5), "seed": integer()}, 3),
    "GroupNormalization": Operator(
        lambda call: _group_norm(
            call, call.tensor(), call.attributes["num_groups"] or 0
        ),
        {"epsilon": real(1e-5), "num_groups": integer(), "stash_type": integer(1)},
        3,
    ),
    "InstanceNormalization": Operator(_instance_norm, {"epsilon": real(1e-5)}, 3),
    "LRN": Operator(
        _lrn,
        {"alpha": real(1e-4), "beta": real(0.75), "bias": real(1.0), "size": integer()},
    ),
    "LayerNormalization": Operator(
        _layer_norm,
        {"axis": integer(-1), "epsilon": real(1e-5), "stash_type": integer(1)},
        3,
    ),
}
