"""Weights in float16: which ones, and that nothing else of a network is rounded."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kerastpu.export import half, litert_half, onnx_file
from kerastpu.export.litert_graph import HEAVY, Graph
from kerastpu.export.metadata import Metadata, describe_pixels
from kerastpu.features import conversion

SHAPE = (9, 8, 3)


@given(st.dictionaries(st.text(), st.integers(0, 200), max_size=12))
def test_the_smallest_stay_as_long_as_they_are_few(sizes):
    weights = {name: [np.ones(size, np.float32)] for name, size in sizes.items()}
    chosen = half.chosen(weights)
    kept = [size for name, size in sizes.items() if name not in chosen]
    rounded = [sizes[name] for name in chosen]
    assert sum(kept) <= half.KEPT * sum(sizes.values())
    assert max(kept, default=0) <= min(rounded, default=np.inf)
    assert not rounded or sum(kept) + min(rounded) > half.KEPT * sum(sizes.values())


def test_what_float16_cannot_hold_stays():
    weights = {"a": [np.array([65504.0, 1, 1])], "b": [np.ones(3), np.array([-7e4])]}
    assert half.chosen(weights) == {"a"}


def network():
    """One kernel in two layers, a transposed and a depthwise convolution."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(16, 3, padding="same", bias_initializer="normal")(x)
    x = layers.DepthwiseConv2D(3, bias_initializer="normal")(x)
    shared = layers.Conv2D(16, 3, padding="same", bias_initializer="normal")
    x = layers.Conv2DTranspose(16, 2, strides=2)(shared(shared(x)))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(40, activation="softmax")(x))


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (4, *SHAPE), np.uint8)


@pytest.fixture(scope="module")
def metadata(model):
    return Metadata(
        class_names=("no", "yes"),
        model="net",
        preset=None,
        image_size=SHAPE[:2],
        channels=SHAPE[2],
        precision="float16",
        preprocessing=describe_pixels(SHAPE[:2], SHAPE[2]),
        kerastpu="1.2.3",
    )


def run_onnx(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"image": images})[0]


def test_onnx_computes_in_float32_with_rounded_weights(model, metadata, images):
    data = conversion.to_onnx(model, "uint8", ("image", "probabilities"))
    exact = onnx.load_from_string(data)
    halved = onnx_file.to_float16(exact, metadata)
    assert exact == onnx.load_from_string(data)  # the given one stays as it is
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in halved.graph.initializer}
    sizes = {
        kind: sum(array.size for array in stored.values() if array.dtype == kind)
        for kind in (np.float16, np.float32)
    }
    assert 0 < sizes[np.float32] <= half.KEPT * sum(sizes.values())
    rounded = onnx.load_from_string(data)
    for tensor in rounded.graph.initializer:
        if tensor.name not in stored and f"{tensor.name}/float16" in stored:
            array = stored[f"{tensor.name}/float16"].astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    found = run_onnx(halved, images)
    np.testing.assert_array_equal(found, run_onnx(rounded, images))
    assert (found != run_onnx(exact, images)).any()


def run_litert(data, images):
    runner = tf.lite.Interpreter(model_content=data).get_signature_runner()
    (found,) = runner(**{next(iter(runner.get_input_details())): images}).values()
    return found


@pytest.fixture(scope="module")
def exact(model, tmp_path_factory):
    """The LiteRT file in float32."""
    folder = tmp_path_factory.mktemp("model")
    model.export(folder, verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()


def made(graph):
    """Returns the numbers of the tensors that are made of float16."""
    return {one.outputs[0] for one in graph.operators(["DEQUANTIZE"])}


def test_litert_computes_in_float32_with_rounded_weights(exact, images):
    halved = litert_half.to_float16(exact)
    assert len(halved) < 0.7 * len(exact)
    before, after = Graph(exact), Graph(halved)
    num_rounded = 0
    for old, new in zip(before.operators(HEAVY), after.operators(HEAVY), strict=True):
        arrays = {p: before.constant(old, p) for p in range(len(old.inputs))}
        weights = {
            p: array
            for p, array in arrays.items()
            if array is not None and array.dtype == np.float32
        }
        rounded = {new.inputs[p] in made(after) for p in weights}
        assert len(rounded) == 1  # a layer that mixes them is slow
        if rounded == {True}:
            num_rounded += 1
            for p, array in weights.items():
                before.replace(old, p, array.astype(np.float16).astype(np.float32))
    assert num_rounded == 5  # of six: all but the depthwise one
    found = run_litert(halved, images)
    np.testing.assert_allclose(
        found, run_litert(before.to_bytes(), images), rtol=1e-6, atol=0
    )
    assert (found != run_litert(exact, images)).any()


def test_a_constant_in_float16_stays_whole_for_others(exact, images):
    graph = Graph(exact)
    first, second = list(graph.operators(["CONV_2D"]))[:2]
    second.inputs = np.array([*second.inputs[:2], first.inputs[2]])
    rounded = Graph(graph.to_bytes())
    bias = graph.constant(first, 2)
    graph.store_as_float16(first, [first.inputs[2]])
    again = Graph(graph.to_bytes())
    first, second = list(again.operators(["CONV_2D"]))[:2]
    assert first.inputs[2] in made(again)
    np.testing.assert_array_equal(again.constant(second, 2), bias)
    first = next(rounded.operators(["CONV_2D"]))
    rounded.replace(first, 2, bias.astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(
        *(run_litert(g.to_bytes(), images) for g in (again, rounded)), rtol=1e-6
    )
