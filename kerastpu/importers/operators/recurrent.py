"""RNN, LSTM and GRU, forward, backward and both ways."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerastpu.importers.arrays import as_float
from kerastpu.importers.attributes import integer, text, texts
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Known, Tensor

_ACTIVATIONS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
}
_KINDS = {
    "RNN": keras.layers.SimpleRNN,
    "LSTM": keras.layers.LSTM,
    "GRU": keras.layers.GRU,
}
# Gates of ONNX in the order of Keras: LSTM has input, output, forget, cell there.
_GATES = {"RNN": (0,), "LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2)}
_DEFAULTS = {
    "RNN": ("tanh",),
    "LSTM": ("sigmoid", "tanh", "tanh"),
    "GRU": ("sigmoid", "tanh"),
}


def _convert(call: Call) -> tuple[Tensor | None, ...]:
    tensor, settings = call.tensor(), call.attributes
    directions = {"bidirectional": 2}.get(settings["direction"], 1)
    layout = settings["layout"]
    if tensor.rank != 3:
        raise UnsupportedError(f"it gets {tensor.rank} axes, not three")
    weights = _weights(call, directions, tensor.size(2))
    _refuse_inputs(call, tensor.size(1 if layout else 0))
    data = call.arrange(tensor, (0, 1, 2) if layout else (1, 0, 2))
    wants_series = _is_used(call, 0)
    wants_state = _is_used(call, 1) or _is_used(call, 2)
    options = {
        "units": weights[0][1].shape[0],
        "return_sequences": wants_series,
        "return_state": wants_state,
        "use_bias": len(weights[0]) == 3,
    }
    parts = [
        options | _options(call, direction, directions)
        for direction in range(directions)
    ]
    layer = _layer(call, parts, settings["direction"] == "reverse")
    state = _initial_state(call, directions)
    results = layer(data, initial_state=state) if state else layer(data)
    layer.set_weights([array for part in weights for array in part])
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    return _outputs(call, results, options["units"], directions)


def _is_used(call: Call, index: int) -> bool:
    return index < len(call.node.outputs) and bool(call.node.outputs[index])


def _weights(
    call: Call, directions: int, num_inputs: int | None
) -> list[list[np.ndarray]]:
    """Returns kernel, recurrent kernel and bias as Keras has them, by direction."""
    op, gates = call.node.op, _GATES[call.node.op]
    kernel, recurrent, bias = call.weight(1), call.weight(2), call.constant(3)
    units = recurrent.shape[-1]
    rows = len(gates) * units
    shapes = kernel.shape, recurrent.shape, None if bias is None else bias.shape
    wanted = (
        (directions, rows, num_inputs),
        (directions, rows, units),
        None if bias is None else (directions, 2 * rows),
    )
    if shapes != wanted or not units:
        raise UnsupportedError(f"its weights have the shapes {shapes}, not {wanted}")
    if call.attributes["hidden_size"] not in (None, units):
        raise UnsupportedError(f"hidden_size is not the {units} of its weights")

    def ordered(array: np.ndarray) -> np.ndarray:
        parts = np.split(array, len(gates))
        return np.concatenate([parts[gate] for gate in gates])

    found = []
    for direction in range(directions):
        arrays = [ordered(kernel[direction]).T, ordered(recurrent[direction]).T]
        if bias is not None:
            both = [ordered(part) for part in np.split(as_float(bias[direction]), 2)]
            is_after = op == "GRU" and call.attributes["linear_before_reset"]
            arrays.append(np.stack(both) if is_after else both[0] + both[1])
        found.append(arrays)
    return found


def _refuse_inputs(call: Call, length: int | None) -> None:
    """Refuses lengths of series and peepholes, which Keras has not."""
    lengths, peepholes = call.value(4), call.value(7)
    if lengths is not None:
        is_whole = isinstance(lengths, Known) and not (
            np.any(lengths.first != length) or np.any(lengths.second != length)
        )
        if not is_whole:
            raise UnsupportedError("it is told the lengths of series")
    if peepholes is not None and np.any(call.weight(7)):
        raise UnsupportedError("its gates see the cell (peepholes)")


def _options(call: Call, direction: int, directions: int) -> dict[str, Any]:
    """Returns the activations of one direction, and what a GRU needs."""
    op = call.node.op
    names = list(call.attributes["activations"] or _DEFAULTS[op] * directions)
    count = len(_DEFAULTS[op])
    names = [
        name.lower() for name in names[direction * count : (direction + 1) * count]
    ]
    if len(names) != count or not set(names) <= set(_ACTIVATIONS):
        raise UnsupportedError(f"activations {names} are not supported")
    if op == "RNN":
        return {"activation": names[0]}
    if op == "LSTM" and names[1] != names[2]:
        raise UnsupportedError(f"activations {names}: those of cell and output differ")
    options = {"recurrent_activation": names[0], "activation": names[1]}
    if op == "GRU":
        options["reset_after"] = bool(call.attributes["linear_before_reset"])
    return options


def _layer(call: Call, parts: list[dict[str, Any]], is_backwards: bool) -> Any:
    """Makes the layer."""
    kind = _KINDS[call.node.op]
    if len(parts) == 1:
        return kind(**parts[0], go_backwards=is_backwards, name=call.name())
    forward, backward = (
        kind(**part, go_backwards=bool(index)) for index, part in enumerate(parts)
    )
    return keras.layers.Bidirectional(
        forward, backward_layer=backward, name=call.name()
    )


def _initial_state(call: Call, directions: int) -> list[Any]:
    """Returns the states to begin with, in the order of Keras; none: zeros."""
    count = 2 if call.node.op == "LSTM" else 1
    given = [call.value(5 + index) for index in range(count)]
    states = []
    for index, value in enumerate(given):
        if isinstance(value, Known):
            if np.any(value.first) or np.any(value.second):
                raise UnsupportedError("it begins with states that are constants")
            given[index] = None
    if not any(value is not None for value in given):
        return []
    if not all(isinstance(value, Tensor) for value in given):
        raise UnsupportedError("it is given only one of two states")
    for index in range(count):
        tensor = call.tensor(5 + index)
        order = (0, 1, 2) if call.attributes["layout"] else (1, 0, 2)
        if directions == 1:
            states.append([call.arrange(tensor, (order[0], 2))])
        else:
            data = call.arrange(tensor, order)
            states.append([data[:, 0], data[:, 1]])
    return [state[direction] for direction in range(directions) for state in states]


def _outputs(
    call: Call, results: list[Any], units: int, directions: int
) -> tuple[Tensor | None, ...]:
    """Returns the series, the last state and, of an LSTM, the last cell."""
    layout = call.attributes["layout"]
    series: Tensor | None = None
    if _is_used(call, 0):
        data = results[0]
        if call.attributes["direction"] == "reverse":
            data = keras.ops.flip(data, axis=1)
        if directions == 1:
            axes: Any = ((0,), (1,), (), (2,)) if layout else ((1,), (), (0,), (2,))
        else:
            target = (-1, directions, units)
            data = call.layer(
                keras.layers.Reshape, data, suffix="directions", target_shape=target
            )
            axes = ((0,), (1,), (2,), (3,)) if layout else ((1,), (2,), (0,), (3,))
        series = Tensor(data, axes)
    states = results[1:]
    count = len(states) // directions
    outputs: list[Tensor | None] = [series]
    for index in range(count):
        own = states[index::count]
        if directions == 1:
            axes = ((0,), (), (1,)) if layout else ((), (0,), (1,))
            outputs.append(Tensor(own[0], axes))
        else:
            axes = ((0,), (1,), (2,)) if layout else ((1,), (0,), (2,))
            outputs.append(Tensor(keras.ops.stack(own, axis=1), axes))
    return tuple(outputs)


_ATTRIBUTES = {
    "activations": texts(),
    "direction": text("forward", "forward", "reverse", "bidirectional"),
    "hidden_size": integer(),
    "layout": integer(0, 0, 1),
}
OPERATORS = {
    "GRU": Operator(
        _convert, _ATTRIBUTES | {"linear_before_reset": integer(0, 0, 1)}, 6
    ),
    "LSTM": Operator(_convert, _ATTRIBUTES | {"input_forget": integer(0, 0)}, 8),
    "RNN": Operator(_convert, _ATTRIBUTES, 6),
}
