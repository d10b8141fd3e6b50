"""Operators on several values, element by element, beside those of `affine`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.layout import stored_array
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Known, Tensor


def _several(
    layer: Callable[..., Any], pair: Callable[[Any, Any], Any] | None
) -> Callable[[Call], Tensor]:
    """Makes a function of any number of values, with the layer that Keras has."""

    def convert(call: Call) -> Tensor:
        tensors = [value for value in call.inputs if isinstance(value, Tensor)]
        if len(tensors) > 1:
            data, axes = call.align(tensors)
            result = Tensor(layer(name=call.name())(data), axes)
        else:
            result = call.tensor(call.inputs.index(tensors[0]) if tensors else 0)
        for index, value in enumerate(call.inputs):
            if isinstance(value, Known):
                if pair is None:
                    raise UnsupportedError(f"input {index} is a constant")
                array = call.weight(index)
                data = pair(result.data, stored_array(array, result))
                result = result.with_data(data)
        return result

    return convert


def _power(call: Call) -> Tensor:
    if isinstance(call.value(0), Known):
        raise UnsupportedError("input 0 is a constant")
    tensor = call.tensor()
    if isinstance(call.value(1), Known):
        exponent = stored_array(call.weight(1), tensor)
        if exponent.size == 1:
            number = float(exponent.reshape(()))
            if number == 2:
                return tensor.with_data(keras.ops.square(tensor.data))
            if number == 0.5:
                return tensor.with_data(keras.ops.sqrt(tensor.data))
            return tensor.with_data(keras.ops.power(tensor.data, number))
        return tensor.with_data(keras.ops.power(tensor.data, exponent))
    data, axes = call.align([tensor, call.tensor(1)])
    return Tensor(keras.ops.power(*data), axes)


OPERATORS = {
    "Max": Operator(_several(keras.layers.Maximum, keras.ops.maximum)),
    "Mean": Operator(_several(keras.layers.Average, None)),
    "Min": Operator(_several(keras.layers.Minimum, keras.ops.minimum)),
    "Pow": Operator(_power, most_inputs=2),
    "Sum": Operator(_several(keras.layers.Add, keras.ops.add)),
}
