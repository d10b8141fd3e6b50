"""What an imported model looks like: channels last, stock layers, names, batches."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from onnx import TensorProto

from kerastpu.errors import UsageError
from kerastpu.importers import UnsupportedModelError, import_onnx
from tests.importers.graphs import check, kinds, load, network, normal, one, write

X = ("n", 3, 12, 10)


def classifier():
    """A convolution, a pooling, and two dense layers on the flattened image."""
    nodes = [
        ("Conv", "x k", "a", {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", "a s t m v", "b", {}),
        ("Relu", "b", "c", {}),
        ("MaxPool", "c", "d", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", "d", "e", {}),
        ("Dropout", "e", "f", {}),
        ("Gemm", "f w u", "g", {"transB": 1}),
        ("Relu", "g", "h", {}),
        ("MatMul", "h p", "i", {}),
        ("Add", "i q", "j", {}),
        ("Softmax", "j", "y", {}),
    ]
    weights = {
        "k": normal(4, 3, 3, 3),
        "w": normal(8, 120) / 10,
        "u": normal(8),
        "p": normal(8, 5),
        "q": normal(5, seed=1),
    }
    weights |= {name: abs(normal(4, seed=i)) + 0.1 for i, name in enumerate("stmv")}
    return network(nodes, {"x": X}, weights=weights)


def test_a_classifier_is_the_keras_model_one_would_write(tmp_path):
    imported = check(tmp_path, classifier())
    assert kinds(imported) == [
        *("Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D", "Dropout"),
        *("Flatten", "Dense", "ReLU", "Dense", "Softmax"),
    ]
    model = imported.model
    assert model.input_shape == (None, 12, 10, 3)
    assert model.get_layer("conv_0").use_bias is False
    assert model.get_layer("matmul_8").use_bias is True
    trained = {weight.path.split("/")[0] for weight in model.trainable_weights}
    assert trained == {"conv_0", "batchnormalization_1", "gemm_6", "matmul_8"}


def test_layers_have_the_names_of_the_nodes(tmp_path):
    message = load(classifier())
    message.graph.node[0].name = "features/0:conv"
    message.graph.node[2].name = message.graph.node[7].name = "again"
    model = import_onnx(write(tmp_path, message.SerializeToString()))
    names = [layer.name for layer in model.layers]
    assert {"features_0_conv", "again", "again_2", "gemm_6"} <= set(names)


def test_the_file_loads_in_plain_keras(tmp_path):
    model = import_onnx(write(tmp_path, classifier()))
    model.save(tmp_path / "model.keras")
    images = normal(2, 12, 10, 3)
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, keras, numpy as np;"
        "m = keras.models.load_model('model.keras');"
        "np.save('out.npy', m.predict(np.load('images.npy'), verbose=0));"
        "assert 'kerastpu' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, check=True, timeout=240
    )
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-6)


def test_any_batch_goes_in_even_if_the_file_is_fixed_to_one(tmp_path):
    message = load(classifier())
    message.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    imported = check(tmp_path, message.SerializeToString())
    images = normal(5, 12, 10, 3)
    together = np.asarray(imported.model(images))
    apart = [np.asarray(imported.model(images[i : i + 1])) for i in range(5)]
    np.testing.assert_allclose(together, np.concatenate(apart), atol=1e-5)


def test_transposes_around_convolutions_vanish(tmp_path):
    """As tf2onnx writes a Keras model: channels last outside, first inside."""
    nodes = [
        ("Cast", "x", "f", {"to": TensorProto.FLOAT}),
        ("Mul", "f scale", "a", {}),
        ("Sub", "a mean", "b", {}),
        ("Transpose", "b", "c", {"perm": [0, 3, 1, 2]}),
        ("Conv", "c k", "d", {"strides": [2, 2]}),
        ("Transpose", "d", "e", {"perm": [0, 2, 3, 1]}),
        ("Mul", "e gamma", "g", {}),
        ("Add", "g beta", "h", {}),
        ("ReduceMean", "h", "i", {"axes": [1, 2], "keepdims": 0}),
        ("MatMul", "i w", "y", {}),
    ]
    weights = {
        "scale": np.float32(1 / 127),
        "mean": np.array([0.4, 0.5, 0.6], np.float32),
        "k": normal(4, 3, 3, 3),
        "gamma": normal(4),
        "beta": normal(4, seed=1),
        "w": normal(4, 2),
    }
    inputs = {"x": (("n", 12, 10, 3), np.uint8)}
    imported = check(tmp_path, network(nodes, inputs, weights=weights, opset=13))
    assert kinds(imported) == [
        *("Rescaling", "Conv2D", "BatchNormalization", "GlobalAveragePooling2D"),
        "Dense",
    ]
    assert imported.model.input_shape == (None, 12, 10, 3)
    assert imported.model.inputs[0].dtype == "float32"


def test_a_factor_and_a_summand_belong_to_the_normalization_before(tmp_path):
    nodes = [
        ("Conv", "x k", "a", {}),
        ("BatchNormalization", "a s t m v", "b", {}),
        ("Mul", "b c", "d", {}),
        ("Add", "d e", "y", {}),
    ]
    weights = {"k": normal(4, 3, 3, 3), "c": normal(4, 1, 1), "e": normal(1, 4, 1, 1)}
    weights |= {name: abs(normal(4, seed=i)) + 0.1 for i, name in enumerate("stmv")}
    imported = check(tmp_path, network(nodes, {"x": X}, weights=weights))
    assert kinds(imported) == ["Conv2D", "BatchNormalization"]


def test_a_convolution_used_twice_is_made_once(tmp_path):
    nodes = [("Conv", "x k", "a", {}), ("Add", "a c", "b", {}), ("Mul", "a b", "y", {})]
    weights = {"k": normal(4, 3, 3, 3), "c": normal(4, 1, 1)}
    imported = check(tmp_path, network(nodes, {"x": X}, weights=weights))
    assert kinds(imported).count("Conv2D") == 1


def test_squeeze_and_excitation(tmp_path):
    nodes = [
        ("GlobalAveragePool", "x", "a", {}),
        ("Conv", "a k", "b", {}),
        ("Sigmoid", "b", "c", {}),
        ("Mul", "x c", "y", {}),
    ]
    imported = check(
        tmp_path, network(nodes, {"x": X}, weights={"k": normal(3, 3, 1, 1)})
    )
    assert "Permute" not in kinds(imported)


def test_channels_are_shuffled_along_the_last_axis(tmp_path):
    nodes = [
        ("Reshape", "x s", "a", {}),
        ("Transpose", "a", "b", {"perm": [0, 2, 1, 3, 4]}),
        ("Reshape", "b t", "c", {}),
        ("Conv", "c k", "y", {"group": 2}),
    ]
    weights = {
        "s": np.array([0, 2, 3, 12, 10]),
        "t": np.array([0, 6, 12, 10]),
        "k": normal(4, 3, 3, 3),
    }
    imported = check(tmp_path, network(nodes, {"x": ("n", 6, 12, 10)}, weights=weights))
    assert kinds(imported) == ["Reshape", "Permute", "Reshape", "Conv2D"]


def test_shapes_are_computed_from_shapes(tmp_path):
    nodes = [
        ("Shape", "x", "s", {}),
        ("Gather", "s zero", "n", {"axis": 0}),
        ("Unsqueeze", "n zeros", "m", {}),
        ("Concat", "m rest", "t", {"axis": 0}),
        ("Reshape", "x t", "a", {}),
        ("MatMul", "a w", "y", {}),
    ]
    weights = {
        "zero": np.array(0),
        "zeros": np.array([0]),
        "rest": np.array([-1]),
        "w": normal(360, 4),
    }
    imported = check(tmp_path, network(nodes, {"x": X}, weights=weights))
    assert kinds(imported) == ["Flatten", "Dense"]


def test_a_dense_layer_on_every_pixel(tmp_path):
    """As tf2onnx writes Dense on images: examples and pixels in one axis, and back."""
    nodes = [
        ("Reshape", "x s", "a", {}),
        ("MatMul", "a w", "b", {}),
        ("Shape", "x", "n", {}),
        ("Slice", "n first last", "m", {}),
        ("Concat", "m units", "t", {"axis": 0}),
        ("Reshape", "b t", "y", {}),
    ]
    weights = {
        "s": np.array([-1, 3]),
        "w": normal(3, 4),
        "first": np.array([0]),
        "last": np.array([3]),
        "units": np.array([4]),
    }
    content = network(nodes, {"x": ("n", 5, 6, 3)}, weights=weights)
    assert kinds(check(tmp_path, content)) == ["Dense"]


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("offset", [None, 0.4, (2.155, 2.027, 1.804)])
def test_pixels_can_go_in(order, offset, tmp_path):
    options = {"scale": 0.0173611, "offset": offset, "channel_order": order}
    imported = check(tmp_path, classifier(), **options)
    plain = import_onnx(write(tmp_path, classifier()))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 10, 3), np.uint8)
    scaled = pixels[..., :: 1 if order == "rgb" else -1] * 0.0173611 - (offset or 0)
    np.testing.assert_allclose(
        imported.model(pixels), plain(scaled.astype(np.float32)), atol=1e-4
    )
    imported.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(pixels), imported.model(pixels))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"scale": float("nan")}, "scale"),
        ({"offset": (1.0, 2.0)}, "offset"),
        ({"channel_order": "gbr"}, "channel_order"),
    ],
)
def test_what_makes_no_sense_in_front_is_refused(options, named, tmp_path):
    with pytest.raises(UsageError, match=named):
        import_onnx(write(tmp_path, classifier()), **options)


def test_pixels_are_for_images(tmp_path):
    path = write(tmp_path, one("Gemm", ("n", 5), {"w": normal(5, 4)}))
    with pytest.raises(UsageError, match="images"):
        import_onnx(path, scale=1 / 255)


def test_all_that_cannot_be_imported_is_listed_at_once(tmp_path):
    nodes = [
        ("NonZero", "x", "a", {}),
        ("Conv", "a k", "b", {"auto_pad": "SOMEHOW"}),
        ("Relu", "x", "c", {}),
        ("Einsum", "c c", "d", {"equation": "abcd,abcd->abcd"}),
        ("MaxPool", "x", "e", {"kernel_shape": [2, 2], "order": 1}),
        ("Add", "d e", "y", {}),
    ]
    path = write(tmp_path, network(nodes, {"x": X}, weights={"k": normal(4, 3, 3, 3)}))
    with pytest.raises(UnsupportedModelError) as caught:
        import_onnx(path)
    starts = [problem.partition(":")[0] for problem in caught.value.problems]
    assert starts == [
        *("nonzero_0 (NonZero)", "conv_1 (Conv)", "einsum_3 (Einsum)"),
        "maxpool_4 (MaxPool)",
    ]
    assert "SOMEHOW" in caught.value.problems[1]


@pytest.mark.parametrize(
    "content",
    [
        one("Reshape", ("n", 4, 5), {"s": np.array([-1, 2, 5])}),
        one("ReduceMean", ("n", 4), {"a": np.array([0])}),
        one("Flatten", ("n", 4), axis=0),
        one("Softmax", ("n", 4), axis=0),
    ],
)
def test_examples_of_a_batch_never_mix(content, tmp_path):
    with pytest.raises(UnsupportedModelError):
        import_onnx(write(tmp_path, content))
