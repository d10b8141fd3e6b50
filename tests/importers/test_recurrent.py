"""Recurrent layers: gate orders, both directions, series and last states, layouts."""

import numpy as np
import pytest

from tests.importers.graphs import check, kinds, network, normal

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
UNITS, FEATURES, STEPS = 4, 3, 5


def weights(op, directions, bias=True, seed=0):
    rows = GATES[op] * UNITS
    found = {
        "w": normal(directions, rows, FEATURES, seed=seed),
        "r": normal(directions, rows, UNITS, seed=seed + 1),
    }
    if bias:
        found["b"] = normal(directions, 2 * rows, seed=seed + 2)
    return found


def recurrent(op, direction="forward", outputs="y h", bias=True, **settings):
    directions = 1 + (direction == "bidirectional")
    layout = settings.get("layout", 0)
    shape = ("n", STEPS, FEATURES) if layout else (STEPS, "n", FEATURES)
    attributes = {"direction": direction, "hidden_size": UNITS} | settings
    arrays = weights(op, directions, bias)
    given = [name for name in outputs.split() if name != "-"]
    node = (op, " ".join(["x", *arrays]), outputs.replace("- ", ""), attributes)
    return network([node], {"x": shape}, tuple(given), arrays)


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("bias", [True, False])
def test_series_and_last_state(op, direction, bias, tmp_path):
    outputs = "y h c" if op == "LSTM" else "y h"
    imported = check(tmp_path, recurrent(op, direction, outputs, bias))
    assert imported.model.input_shape == (None, STEPS, FEATURES)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_a_gru_may_reset_after_the_product(direction, tmp_path):
    check(tmp_path, recurrent("GRU", direction, linear_before_reset=1))


@pytest.mark.parametrize("op", GATES)
def test_series_alone(op, tmp_path):
    imported = check(tmp_path, recurrent(op, outputs="y"))
    assert kinds(imported)[0] == {"RNN": "SimpleRNN"}.get(op, op)


@pytest.mark.parametrize(
    ("op", "activations"),
    [("RNN", ["Relu"]), ("LSTM", ["Sigmoid", "Softsign", "Softsign"])],
)
def test_other_activations(op, activations, tmp_path):
    check(tmp_path, recurrent(op, activations=activations))


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_states_to_begin_with(op, direction, tmp_path):
    directions = 1 + (direction == "bidirectional")
    arrays = weights(op, directions)
    states = "h0 c0" if op == "LSTM" else "h0"
    nodes = [
        (
            op,
            f"x w r b - {states}",
            "y",
            {"direction": direction, "hidden_size": UNITS},
        )
    ]
    inputs = {"x": (STEPS, "n", FEATURES)}
    inputs |= {name: (directions, "n", UNITS) for name in states.split()}
    check(tmp_path, network(nodes, inputs, weights=arrays))


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_a_classifier_of_series_as_frameworks_write_it(direction, tmp_path):
    """Batch first outside, time first inside, the directions side by side after."""
    directions = 1 + (direction == "bidirectional")
    width = directions * UNITS
    nodes = [
        ("Transpose", "x", "t", {"perm": [1, 0, 2]}),
        ("LSTM", "t w r b", "s", {"direction": direction, "hidden_size": UNITS}),
        ("Transpose", "s", "u", {"perm": [0, 2, 1, 3]}),
        ("Reshape", "u shape", "v", {}),
        ("Transpose", "v", "z", {"perm": [1, 0, 2]}),
        ("Gather", "z last", "l", {"axis": 1}),
        ("Gemm", "l k", "y", {}),
    ]
    arrays = weights("LSTM", directions) | {
        "shape": np.array([0, 0, -1]),
        "last": np.array(-1),
        "k": normal(width, 2),
    }
    content = network(nodes, {"x": ("n", STEPS, FEATURES)}, weights=arrays)
    imported = check(tmp_path, content)
    assert not {"Permute", "Lambda"} & set(kinds(imported))


def test_zeros_as_long_as_the_batch_are_no_state(tmp_path):
    """As PyTorch writes it: zeros of a shape that is computed from the input's."""
    nodes = [
        ("Shape", "x", "s", {}),
        ("Gather", "s one", "n", {"axis": 0}),
        ("Unsqueeze", "n axes", "m", {}),
        ("Concat", "first m units", "shape", {"axis": 0}),
        ("ConstantOfShape", "shape", "zeros", {}),
        ("GRU", "x w r b - zeros", "y", {"hidden_size": UNITS}),
    ]
    arrays = weights("GRU", 1) | {
        "one": np.array(1),
        "axes": np.array([0]),
        "first": np.array([1]),
        "units": np.array([UNITS]),
    }
    content = network(nodes, {"x": (STEPS, "n", FEATURES)}, weights=arrays)
    check(tmp_path, content)
