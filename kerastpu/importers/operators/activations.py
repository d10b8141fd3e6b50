"""Functions of each element alone, and softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerastpu.importers.attributes import integer, real, text
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.layout import stored_array
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Tensor


def _layer(kind: type[keras.layers.Layer], **options: str) -> Callable[[Call], Tensor]:
    """Makes a function that adds a layer.

    Args:
        kind: The layer.
        **options: Its options -> the attributes of ONNX that they are.
    """

    def convert(call: Call) -> Tensor:
        tensor = call.tensor()
        values = {option: call.attributes[name] for option, name in options.items()}
        return tensor.with_data(call.layer(kind, tensor.data, **values))

    return convert


def _activation(name: str) -> Callable[[Call], Tensor]:
    """Makes a function that adds an activation of Keras."""

    def convert(call: Call) -> Tensor:
        tensor = call.tensor()
        data = call.layer(keras.layers.Activation, tensor.data, activation=name)
        return tensor.with_data(data)

    return convert


def _function(function: Callable[[Any], Any]) -> Callable[[Call], Tensor]:
    """Makes a function that adds an operation of `keras.ops`."""

    def convert(call: Call) -> Tensor:
        tensor = call.tensor()
        return tensor.with_data(function(tensor.data))

    return convert


def _clip(call: Call) -> Tensor:
    tensor = call.tensor()
    limits = []
    for index, name, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        given = call.attributes[name]
        if given is None:
            array = call.constant(index)
            given = default if array is None else array.reshape(-1)[0]
        limits.append(float(given))
    lowest, highest = min(limits), limits[1]  # the upper one wins
    if lowest == 0 <= highest:
        top = None if highest == np.inf else highest
        data = call.layer(keras.layers.ReLU, tensor.data, max_value=top)
    else:
        largest = float(np.finfo(np.float32).max)
        lowest, highest = max(lowest, -largest), min(highest, largest)
        data = keras.ops.clip(tensor.data, lowest, highest)
    return tensor.with_data(data)


def _hard_sigmoid(call: Call) -> Tensor:
    tensor = call.tensor()
    scale, offset = call.attributes["alpha"], call.attributes["beta"]
    if np.isclose(scale, 1 / 6) and np.isclose(offset, 0.5):
        return _activation("hard_sigmoid")(call)
    data = call.layer(
        keras.layers.Rescaling, tensor.data, suffix="scale", scale=scale, offset=offset
    )
    return tensor.with_data(call.layer(keras.layers.ReLU, data, max_value=1.0))


def _prelu(call: Call) -> Tensor:
    tensor = call.tensor()
    slope = call.weight(1)
    if tensor.rank > 1 and slope.ndim > tensor.rank:
        raise UnsupportedError("its slope has more axes than what goes in")
    stored = stored_array(slope, tensor)[0]
    shared = [axis + 1 for axis, size in enumerate(stored.shape) if size == 1]
    data = call.layer(
        keras.layers.PReLU, tensor.data, [stored], shared_axes=shared or None
    )
    return tensor.with_data(data)


def _softmax(kind: str) -> Callable[[Call], Tensor]:
    def convert(call: Call) -> Tensor:
        tensor = call.tensor()
        axis = call.attributes["axis"]
        if axis is None:
            axis = 1 if call.opset < 13 else -1
        if not -tensor.rank <= axis < tensor.rank:
            raise UnsupportedError(f"there is no axis {axis}")
        axis %= tensor.rank
        last = axis + 1 if call.opset >= 13 else tensor.rank
        axes = [i for group in tensor.axes[axis:last] for i in group]
        if not axes or 0 in axes:
            raise UnsupportedError(f"axis {axis} has no elements of one example")
        axes = [-1 if i == len(tensor.data.shape) - 1 else i for i in sorted(axes)]
        wanted = axes[0] if len(axes) == 1 else axes
        if kind == "softmax":
            data = call.layer(keras.layers.Softmax, tensor.data, axis=wanted)
        elif len(axes) == 1:
            data = keras.ops.log_softmax(tensor.data, axis=wanted)
        else:
            total = keras.ops.logsumexp(tensor.data, axis=axes, keepdims=True)
            data = keras.ops.subtract(tensor.data, total)
        return tensor.with_data(data)

    return convert


def _gelu(call: Call) -> Tensor:
    tensor = call.tensor()
    is_rough = call.attributes["approximate"] == "tanh"
    return tensor.with_data(keras.ops.gelu(tensor.data, approximate=is_rough))


def _elu(call: Call) -> Tensor:
    tensor = call.tensor()
    alpha = call.attributes["alpha"]
    return tensor.with_data(call.layer(keras.layers.ELU, tensor.data, alpha=alpha))


def _celu(call: Call) -> Tensor:
    tensor = call.tensor()
    return tensor.with_data(keras.ops.celu(tensor.data, alpha=call.attributes["alpha"]))


_AXIS = {"axis": integer()}

OPERATORS = {
    "Abs": Operator(_function(keras.ops.absolute)),
    "Ceil": Operator(_function(keras.ops.ceil)),
    "Celu": Operator(_celu, {"alpha": real(1.0)}),
    "Clip": Operator(_clip, {"min": real(), "max": real()}),
    "Elu": Operator(_elu, {"alpha": real(1.0)}),
    "Erf": Operator(_function(keras.ops.erf)),
    "Exp": Operator(_activation("exponential")),
    "Floor": Operator(_function(keras.ops.floor)),
    "Gelu": Operator(_gelu, {"approximate": text("none", "none", "tanh")}),
    "HardSigmoid": Operator(_hard_sigmoid, {"alpha": real(0.2), "beta": real(0.5)}),
    "HardSwish": Operator(_activation("hard_silu")),
    "LeakyRelu": Operator(
        _layer(keras.layers.LeakyReLU, negative_slope="alpha"), {"alpha": real(0.01)}
    ),
    "Log": Operator(_function(keras.ops.log)),
    "LogSoftmax": Operator(_softmax("log"), _AXIS),
    "Mish": Operator(_activation("mish")),
    "Neg": Operator(_function(keras.ops.negative)),
    "PRelu": Operator(_prelu, most_inputs=2),
    "Reciprocal": Operator(_function(keras.ops.reciprocal)),
    "Relu": Operator(_layer(keras.layers.ReLU)),
    "Selu": Operator(
        _activation("selu"),
        {
            "alpha": real(1.6732631921768188, 1.6732631921768188),
            "gamma": real(1.0507010221481323, 1.0507010221481323),
        },
    ),
    "Sigmoid": Operator(_activation("sigmoid")),
    "Softmax": Operator(_softmax("softmax"), _AXIS),
    "Softplus": Operator(_activation("softplus")),
    "Softsign": Operator(_activation("softsign")),
    "Sqrt": Operator(_function(keras.ops.sqrt)),
    "Tanh": Operator(_activation("tanh")),
}
