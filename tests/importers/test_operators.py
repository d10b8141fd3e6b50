"""Each operator does in Keras what ONNX Runtime says it does."""

import numpy as np
import pytest
from onnx import TensorProto

from tests.importers.graphs import check, kinds, network, normal, one

X = ("n", 6, 9, 7)  # batches of any size, channels, and an image that is not square


def conv(filters, channels, *kernel, bias=True):
    weights = {"w": normal(filters, channels, *kernel)}
    return weights | ({"b": normal(filters)} if bias else {})


CASES = {
    "conv": one("Conv", X, conv(5, 6, 3, 2)),
    "conv no bias": one("Conv", X, conv(5, 6, 3, 2, bias=False)),
    "conv fixed batch": one("Conv", (3, 6, 9, 7), conv(5, 6, 3, 2)),
    "conv kernel_shape": one("Conv", X, conv(5, 6, 3, 2), kernel_shape=[3, 2]),
    "conv strides": one("Conv", X, conv(5, 6, 3, 3), strides=[2, 3]),
    "conv pads": one("Conv", X, conv(5, 6, 3, 3), pads=[1, 1, 1, 1]),
    "conv uneven pads": one("Conv", X, conv(5, 6, 3, 3), pads=[0, 2, 1, 3]),
    "conv pads strides": one(
        "Conv", X, conv(5, 6, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2]
    ),
    "conv upper": one(
        "Conv", X, conv(5, 6, 2, 4), auto_pad="SAME_UPPER", strides=[2, 2]
    ),
    "conv lower": one(
        "Conv", X, conv(5, 6, 2, 4), auto_pad="SAME_LOWER", strides=[2, 2]
    ),
    "conv valid": one("Conv", X, conv(5, 6, 2, 4), auto_pad="VALID"),
    "conv dilations": one("Conv", X, conv(5, 6, 3, 2), dilations=[2, 3]),
    "conv dilations strides": one(
        "Conv", X, conv(5, 6, 3, 2), dilations=[2, 1], strides=[2, 2]
    ),
    "conv groups": one("Conv", X, conv(4, 3, 3, 3), group=2),
    "conv depthwise": one("Conv", X, conv(6, 1, 3, 3), group=6, pads=[1, 1, 1, 1]),
    "conv depthwise multiplier": one("Conv", X, conv(12, 1, 3, 2), group=6),
    "conv depthwise uneven strides": one(
        "Conv", X, conv(6, 1, 3, 3), group=6, strides=[2, 1]
    ),
    "conv depthwise dilations": one(
        "Conv", X, conv(6, 1, 3, 3), group=6, dilations=[2, 2]
    ),
    "conv 1d": one("Conv", ("n", 6, 9), conv(5, 6, 3), pads=[1, 0], strides=[2]),
    "conv 1d depthwise": one("Conv", ("n", 6, 9), conv(6, 1, 3), group=6),
    "conv 3d": one("Conv", ("n", 2, 5, 6, 7), conv(3, 2, 3, 2, 1), strides=[1, 2, 1]),
    "conv unknown size": one(
        "Conv", ("n", 6, "h", "w"), conv(5, 6, 3, 3), pads=[1, 1, 1, 1]
    ),
    "transposed": one("ConvTranspose", X, {"w": normal(6, 4, 3, 2)}),
    "transposed bias": one(
        "ConvTranspose", X, {"w": normal(6, 4, 3, 2), "b": normal(4)}, strides=[2, 3]
    ),
    "transposed pads": one(
        "ConvTranspose",
        X,
        {"w": normal(6, 4, 3, 3), "b": normal(4)},
        strides=[2, 2],
        pads=[1, 0, 0, 1],
    ),
    "transposed output_padding": one(
        "ConvTranspose",
        X,
        {"w": normal(6, 4, 3, 3), "b": normal(4)},
        strides=[2, 2],
        pads=[1, 1, 0, 0],
        output_padding=[1, 1],
    ),
    "transposed output_shape": one(
        "ConvTranspose",
        X,
        {"w": normal(6, 4, 3, 3)},
        strides=[3, 2],
        output_shape=[27, 14],
    ),
    "transposed upper": one(
        "ConvTranspose",
        X,
        {"w": normal(6, 4, 3, 3)},
        strides=[2, 2],
        auto_pad="SAME_UPPER",
    ),
    "transposed groups": one(
        "ConvTranspose", X, {"w": normal(6, 2, 3, 3), "b": normal(4)}, group=2
    ),
    "transposed 1d": one(
        "ConvTranspose", ("n", 6, 9), {"w": normal(6, 4, 3)}, strides=[2], pads=[1, 1]
    ),
    "transposed wide strides": one(
        "ConvTranspose", X, {"w": normal(6, 4, 2, 2)}, strides=[3, 3]
    ),
    "max pool": one("MaxPool", X, kernel_shape=[3, 2]),
    "max pool pads": one(
        "MaxPool", X, kernel_shape=[3, 3], pads=[1, 0, 1, 2], strides=[2, 2]
    ),
    "max pool ceil": one(
        "MaxPool", X, kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1
    ),
    "max pool upper": one(
        "MaxPool", X, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "max pool lower": one(
        "MaxPool", X, kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_LOWER"
    ),
    "max pool 1d": one("MaxPool", ("n", 6, 9), kernel_shape=[3], strides=[2]),
    "max pool 3d": one("MaxPool", ("n", 2, 5, 6, 7), kernel_shape=[2, 3, 2]),
    "max pool dilations": one(
        "MaxPool",
        X,
        kernel_shape=[2, 3],
        dilations=[2, 1],
        strides=[2, 1],
        pads=[1, 0, 1, 2],
    ),
    "average pool dilations": one(
        "AveragePool",
        X,
        kernel_shape=[2, 2],
        dilations=[2, 3],
        pads=[1, 1, 0, 1],
        opset=19,
    ),
    "average pool": one("AveragePool", X, kernel_shape=[3, 2], strides=[2, 1]),
    "average pool same": one("AveragePool", X, kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "average pool pads": one(
        "AveragePool", X, kernel_shape=[3, 3], pads=[0, 1, 2, 0], strides=[2, 2]
    ),
    "average pool counts border": one(
        "AveragePool", X, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "average pool ceil": one(
        "AveragePool", X, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1
    ),
    "average pool ceil counts border": one(
        "AveragePool",
        X,
        kernel_shape=[3, 3],
        strides=[2, 3],
        pads=[1, 0, 0, 1],
        ceil_mode=1,
        count_include_pad=1,
        opset=19,
    ),
    "average pool upper": one(
        "AveragePool", X, kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "global average pool": one("GlobalAveragePool", X),
    "global max pool": one("GlobalMaxPool", X),
    "global average pool 1d": one("GlobalAveragePool", ("n", 6, 9)),
    "batch norm": one(
        "BatchNormalization",
        X,
        {name: abs(normal(6, seed=i)) + 0.1 for i, name in enumerate("sbmv")},
        epsilon=0.01,
        momentum=0.8,
    ),
    "batch norm of features": one(
        "BatchNormalization",
        ("n", 6),
        {name: abs(normal(6, seed=i)) + 0.1 for i, name in enumerate("sbmv")},
    ),
    "instance norm": one(
        "InstanceNormalization", X, {"s": normal(6), "b": normal(6, seed=1)}
    ),
    "group norm": one(
        "GroupNormalization",
        X,
        {"s": normal(6), "b": normal(6, seed=1)},
        num_groups=3,
        opset=21,
    ),
    "layer norm": one(
        "LayerNormalization", ("n", 5, 7), {"s": normal(7), "b": normal(7, seed=1)}
    ),
    "lrn": one("LRN", X, size=3, alpha=0.5, beta=0.6, bias=1.5),
    "lrn defaults": one("LRN", X, size=5),
    "gemm": one("Gemm", ("n", 5), {"w": normal(5, 4), "b": normal(4)}),
    "gemm transB": one(
        "Gemm", ("n", 5), {"w": normal(4, 5), "b": normal(1, 4)}, transB=1
    ),
    "gemm alpha beta": one(
        "Gemm", ("n", 5), {"w": normal(5, 4), "b": normal(1)}, alpha=0.5, beta=2.0
    ),
    "gemm no bias": one("Gemm", ("n", 5), {"w": normal(5, 4)}),
    "matmul": one("MatMul", ("n", 5), {"w": normal(5, 4)}),
    "matmul 3d": one("MatMul", ("n", 3, 5), {"w": normal(5, 4)}),
    "matmul 4d": one("MatMul", ("n", 2, 3, 5), {"w": normal(5, 4)}),
    "clip": one("Clip", X, {"low": np.float32(-0.5), "high": np.float32(0.7)}),
    "clip relu6": one("Clip", X, {"low": np.float32(0), "high": np.float32(6)}),
    "clip one side": one("Clip", X, {"-": None, "high": np.float32(0.3)}),
    "clip upside down": one("Clip", X, {"low": np.float32(2), "high": np.float32(1)}),
    "clip attributes": one("Clip", X, min=-0.2, max=0.9, opset=7),
    "relu": one("Relu", X),
    "leaky relu": one("LeakyRelu", X, alpha=0.3),
    "prelu": one("PRelu", X, {"slope": normal(6, 1, 1)}),
    "prelu one": one("PRelu", X, {"slope": normal(1)}),
    "elu": one("Elu", X, alpha=0.7),
    "selu": one("Selu", X),
    "celu": one("Celu", X, alpha=1.3),
    "sigmoid": one("Sigmoid", X),
    "hard sigmoid": one("HardSigmoid", X),
    "hard sigmoid of Keras": one("HardSigmoid", X, alpha=1 / 6, beta=0.5),
    "hard swish": one("HardSwish", X),
    "softplus": one("Softplus", X),
    "softsign": one("Softsign", X),
    "tanh": one("Tanh", X),
    "mish": one("Mish", X),
    "gelu": one("Gelu", X, opset=20),
    "gelu tanh": one("Gelu", X, approximate="tanh", opset=20),
    "erf": one("Erf", X),
    "abs": one("Abs", X),
    "neg": one("Neg", X),
    "exp": one("Exp", X),
    "floor": one("Floor", X),
    "ceil": one("Ceil", X),
    "softmax": one("Softmax", X, axis=1),
    "softmax last": one("Softmax", X),
    "softmax old": one("Softmax", X, axis=2, opset=11),
    "softmax old features": one("Softmax", ("n", 5), opset=9),
    "log softmax": one("LogSoftmax", X, axis=1),
    "dropout": one("Dropout", X, {"ratio": np.float32(0.3)}),
    "dropout old": one("Dropout", X, ratio=0.3, opset=7),
    "flatten": one("Flatten", X),
    "flatten last": one("Flatten", ("n", 4, 1), axis=1),
    "identity": one("Identity", X),
    "reshape": one("Reshape", X, {"shape": np.array([0, 3, 2, -1])}),
    "reshape across": one("Reshape", ("n", 6, 4), {"shape": np.array([-1, 4, 6])}),
    "reshape to features": one("Reshape", X, {"shape": np.array([-1, 378])}),
    "reshape fixed batch": one("Reshape", (1, 6, 9, 7), {"shape": np.array([1, 378])}),
    "transpose": one("Transpose", X, perm=[0, 2, 3, 1]),
    "transpose others": one("Transpose", X, perm=[0, 3, 1, 2]),
    "transpose batch": one("Transpose", ("n", 4, 5), perm=[1, 0, 2]),
    "squeeze": one("Squeeze", ("n", 1, 5, 1), {"axes": np.array([1, 3])}),
    "squeeze attribute": one("Squeeze", ("n", 1, 5), axes=[1], opset=11),
    "unsqueeze": one("Unsqueeze", ("n", 5), {"axes": np.array([1, 3])}),
    "unsqueeze attribute": one("Unsqueeze", ("n", 5), axes=[2], opset=11),
    "pad": one("Pad", X, {"pads": np.array([0, 0, 1, 2, 0, 0, 3, 0])}),
    "pad number": one(
        "Pad", X, {"pads": np.array([0, 1, 1, 2, 0, 0, 3, 0]), "v": np.float32(0.5)}
    ),
    "pad attribute": one("Pad", X, pads=[0, 0, 1, 2, 0, 0, 3, 0], value=2.0, opset=10),
    "pad reflect": one(
        "Pad", X, {"pads": np.array([0, 0, 1, 2, 0, 0, 3, 0])}, mode="reflect"
    ),
    "pad edge": one(
        "Pad", X, {"pads": np.array([0, 0, 1, 2, 0, 0, 3, 0])}, mode="edge"
    ),
    "pad negative": one("Pad", X, {"pads": np.array([0, 0, -1, 2, 0, 0, 0, -3])}),
    "pad axes": one(
        "Pad",
        X,
        {"pads": np.array([1, 2]), "v": np.float32(0), "axes": np.array([2])},
    ),
    "reduce mean": one("ReduceMean", X, {"axes": np.array([2, 3])}, keepdims=0),
    "reduce mean keepdims": one("ReduceMean", X, {"axes": np.array([-1, -2])}),
    "reduce mean channels": one("ReduceMean", X, {"axes": np.array([1])}),
    "reduce mean attribute": one("ReduceMean", X, axes=[2], keepdims=0, opset=13),
    "reduce max": one("ReduceMax", X, {"axes": np.array([2, 3])}),
    "reduce sum": one("ReduceSum", X, {"axes": np.array([3])}, keepdims=0),
    "reduce min": one("ReduceMin", X, {"axes": np.array([1, 2])}),
    "slice": one(
        "Slice",
        X,
        {"s": np.array([1, -4]), "e": np.array([5, 99]), "a": np.array([1, 3])},
    ),
    "slice steps": one(
        "Slice",
        X,
        {
            "s": np.array([-1]),
            "e": np.array([-100]),
            "a": np.array([2]),
            "t": np.array([-2]),
        },
    ),
    "slice attributes": one("Slice", X, starts=[1], ends=[4], axes=[2], opset=9),
    "gather": one("Gather", X, {"i": np.array(2)}, axis=1),
    "gather several": one("Gather", X, {"i": np.array([2, 0, -1])}, axis=1),
    "gather backwards": one("Gather", X, {"i": np.arange(6)[::-1].copy()}, axis=1),
    "split": one("Split", X, {"s": np.array([1, 5])}, outputs="y z", axis=1),
    "split even": one("Split", X, outputs="y z", axis=1, num_outputs=2),
    "concat of one": one("Concat", X, axis=1),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_does_what_onnx_runtime_does(case, tmp_path):
    check(tmp_path, CASES[case])


BATCH_NORM = {name: abs(normal(6, seed=i)) + 0.1 for i, name in enumerate("sbmv")}


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("shape", [(), (6, 1, 1), (1, 6, 1, 1), (9, 7), (6, 9, 7)])
@pytest.mark.parametrize("order", ["a c", "c a"])
def test_arithmetic_with_a_constant(op, shape, order, tmp_path):
    constant = np.asarray(abs(normal(*shape)) + 0.5, np.float32)
    nodes = [("Sigmoid", "x", "a", {}), (op, order, "y", {})]
    check(tmp_path, network(nodes, {"x": X}, weights={"c": constant}))


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Mean"])
@pytest.mark.parametrize("other", [X, ("n", 6, 1, 1), ("n", 1, 9, 7)])
def test_arithmetic_of_two_values(op, other, tmp_path):
    nodes = [
        ("Conv", "x w", "a", {}),
        ("Exp", "z", "b", {}),
        (op, "a b", "y", {}),
    ]
    weights = {"w": normal(6, 6, 1, 1)}
    check(tmp_path, network(nodes, {"x": X, "z": other}, weights=weights))


@pytest.mark.parametrize("exponent", [2.0, 0.5, 3.0])
def test_powers(exponent, tmp_path):
    nodes = [("Exp", "x", "a", {}), ("Pow", "a e", "y", {})]
    check(tmp_path, network(nodes, {"x": X}, weights={"e": np.float32(exponent)}))


def test_sum_of_three_with_a_constant(tmp_path):
    nodes = [("Sum", "x z c", "y", {})]
    content = network(nodes, {"x": X, "z": X}, weights={"c": normal(1, 6, 1, 1)})
    check(tmp_path, content)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_concat(axis, tmp_path):
    nodes = [("Conv", "x w", "a", {}), ("Concat", "a z x", "y", {"axis": axis})]
    weights = {"w": normal(6, 6, 1, 1)}
    check(tmp_path, network(nodes, {"x": X, "z": X}, weights=weights))


def test_concat_of_pooled_and_flattened(tmp_path):
    nodes = [
        ("Flatten", "x", "a", {}),
        ("GlobalMaxPool", "x", "g", {}),
        ("Flatten", "g", "b", {}),
        ("Concat", "a b", "c", {"axis": 1}),
        ("Gemm", "c w", "y", {}),
    ]
    check(tmp_path, network(nodes, {"x": X}, weights={"w": normal(384, 5)}))


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        ([("MatMul", "x z", "y", {})], (("n", 3, 4), ("n", 4, 5))),
        (
            [("Transpose", "z", "t", {"perm": [0, 2, 1]}), ("MatMul", "x t", "y", {})],
            (("n", 3, 4), ("n", 5, 4)),
        ),
    ],
)
def test_products_of_two_values(nodes, shape, tmp_path):
    check(tmp_path, network(nodes, dict(zip("xz", shape, strict=True))))


RESIZES = [
    {"mode": mode, "coordinate_transformation_mode": coordinates, "nearest_mode": near}
    for mode, near in (
        ("nearest", "round_prefer_floor"),
        ("nearest", "floor"),
        ("nearest", "ceil"),
        ("nearest", "round_prefer_ceil"),
        ("linear", "floor"),
        ("cubic", "floor"),
    )
    for coordinates in (
        *("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"),
        "half_pixel_symmetric",
    )
]


@pytest.mark.parametrize("settings", RESIZES, ids=lambda one: "-".join(one.values()))
@pytest.mark.parametrize("new", [(18, 14), (4, 11)])
def test_resize_to_a_size(settings, new, tmp_path):
    weights = {"-": None, "--": None, "sizes": np.array([1, 6, *new])}
    nodes = [("Resize", "x - - sizes", "y", settings)]
    content = network(nodes, {"x": (1, 6, 9, 7)}, weights={"sizes": weights["sizes"]})
    check(tmp_path, content)


@pytest.mark.parametrize("scales", [(2, 2), (1.7, 0.6)])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_resize_by_a_factor(mode, scales, tmp_path):
    array = np.array([1, 1, *scales], np.float32)
    nodes = [("Resize", "x - scales", "y", {"mode": mode})]
    check(tmp_path, network(nodes, {"x": X}, weights={"scales": array}))


def test_common_resizes_are_stock_layers(tmp_path):
    array = np.array([1, 1, 2, 3], np.float32)
    for mode, kind in (("nearest", "UpSampling2D"), ("linear", "Resizing")):
        nodes = [("Resize", "x - scales", "y", {"mode": mode})]
        content = network(nodes, {"x": X}, weights={"scales": array})
        assert kinds(check(tmp_path, content)) == [kind]


@pytest.mark.parametrize("opset", [9, 10])
def test_resizes_of_old(opset, tmp_path):
    array = np.array([1, 1, 2, 3], np.float32)
    op = "Upsample" if opset == 9 else "Resize"
    nodes = [(op, "x scales", "y", {"mode": "nearest"})]
    check(tmp_path, network(nodes, {"x": X}, weights={"scales": array}, opset=opset))


def test_weights_of_other_types_become_float32(tmp_path):
    nodes = [
        ("Cast", "x", "a", {"to": TensorProto.DOUBLE}),
        ("Cast", "h", "w", {"to": TensorProto.DOUBLE}),
        ("MatMul", "a w", "b", {}),
        ("Add", "b d", "c", {}),
        ("Cast", "c", "y", {"to": TensorProto.FLOAT}),
    ]
    weights = {"h": normal(6, 4).astype(np.float16), "d": normal(4).astype(np.float64)}
    imported = check(tmp_path, network(nodes, {"x": ("n", 6)}, weights=weights))
    assert kinds(imported) == ["Dense"]
    assert {str(weight.dtype) for weight in imported.model.weights} == {"float32"}
