"""Laws over random settings: windows as ONNX Runtime, axes as NumPy has them."""

import math
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kerastpu.importers import layout
from kerastpu.importers.values import Tensor
from tests.importers.graphs import check, network, normal, one

sizes = st.integers(1, 3)
LAW = settings(max_examples=25, deadline=None, derandomize=True)


def pair(values):
    return st.tuples(values, values).map(list)


@LAW
@given(
    kernel=pair(sizes),
    strides=pair(sizes),
    dilations=pair(st.integers(1, 2)),
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    group=st.sampled_from([1, 2, 4]),
    multiplier=st.integers(1, 2),
    bias=st.booleans(),
)
def test_convolutions(kernel, strides, dilations, pads, group, multiplier, bias):
    weights = {"w": normal(4 * multiplier, 4 // group, *kernel)}
    weights |= {"b": normal(4 * multiplier)} if bias else {}
    content = one(
        "Conv",
        ("n", 4, 9, 7),
        weights,
        strides=strides,
        dilations=dilations,
        pads=pads,
        group=group,
    )
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), content)


@LAW
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    kernel=pair(st.integers(2, 3)),
    strides=pair(sizes),
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    ceil=st.integers(0, 1),
    counts=st.integers(0, 1),
)
def test_poolings(op, kernel, strides, pads, ceil, counts):
    options = {"count_include_pad": counts} if op == "AveragePool" else {}
    content = one(
        op,
        ("n", 3, 9, 7),
        kernel_shape=kernel,
        strides=strides,
        pads=pads,
        ceil_mode=ceil,
        opset=19,
        **options,
    )
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), content)


@st.composite
def moves(draw):
    """Draws a chain of operators that move elements within an example."""
    nodes, weights, shape, name = [], {}, [2, 3, 4], "x"
    for index in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["Transpose", "Reshape", "Unsqueeze", "Relu"]))
        taken, made, options = name, f"v{index}", {}
        if kind == "Transpose":
            order = draw(st.permutations(range(len(shape))))
            options = {"perm": [0, *(axis + 1 for axis in order)]}
            shape = [shape[axis] for axis in order]
        elif kind == "Reshape":
            left, shape = math.prod(shape), []
            while left > 1:
                parts = [d for d in (2, 3, 4, 6, 8, 12, 24) if left % d == 0]
                shape.append(draw(st.sampled_from(parts)))
                left //= shape[-1]
            weights[f"s{index}"] = np.array([-1, *shape])
            taken = f"{name} s{index}"
        elif kind == "Unsqueeze" and len(shape) < 5:
            axis = draw(st.integers(0, len(shape)))
            weights[f"s{index}"] = np.array([axis + 1])
            shape = [*shape[:axis], 1, *shape[axis:]]
            taken = f"{name} s{index}"
        else:
            kind = "Relu"
        nodes.append((kind, taken, made, options))
        name = made
    return network(nodes, {"x": ("n", 2, 3, 4)}, (name,), weights)


@LAW
@given(content=moves())
def test_chains_that_move_elements(content):
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), content)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_regrouped_axes_hold_the_same_elements(data):
    factors = data.draw(
        st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=5)
    )
    order = data.draw(st.permutations(range(1, len(factors) + 1)))
    targets, left = [], math.prod(factors)
    while left > 1:
        targets.append(
            data.draw(
                st.sampled_from([d for d in range(2, 13) if left % d == 0] or [left])
            )
        )
        left //= targets[-1]
    axes = [(0, 5), *((axis, factors[axis - 1]) for axis in order)]
    try:
        groups = layout.regroup(axes, [5, *targets])
    except layout.UnsupportedError:
        assume(False)
    found = [math.prod(size for _, size in group) for group in groups]
    assert found == [5, *targets]
    taken = [axis for group in groups for axis, _ in group]
    for axis, size in axes:
        assert math.prod(s for g in groups for a, s in g if a == axis) == size
        assert axis in taken


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_constant_follows_the_axes_of_a_value(data):
    import keras

    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    order = data.draw(st.permutations(range(1, len(shape) + 1)))
    tensor = Tensor(keras.KerasTensor((None, *shape)), ((0,), *((i,) for i in order)))
    wanted = [shape[i - 1] for i in order]
    constant = np.arange(math.prod(wanted)).reshape(wanted)
    stored = layout.stored_array(constant, tensor)
    np.testing.assert_array_equal(stored[0].transpose([i - 1 for i in order]), constant)
