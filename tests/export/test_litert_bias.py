"""With corrected biases, int8 layers of LiteRT keep the means of their channels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerastpu.export import litert_bias
from kerastpu.export.litert_graph import Graph

SHAPE = (13, 12, 3)


def network():
    """Plain, depthwise and grouped convolutions, and a dense layer without a bias."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, bias_initializer="normal")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.Conv2D(12, 1, groups=2)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(6, bias_initializer="normal")(x)
    x = layers.Dense(4, use_bias=False)(x)
    return keras.Model(image, layers.Softmax()(x))


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (32, *SHAPE), np.uint8)


@pytest.fixture(scope="module")
def files(images, tmp_path_factory):
    """The float32 file and the int8 file, as the converter makes them."""
    folder = tmp_path_factory.mktemp("model")
    network().export(folder, verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    exact = converter.convert()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    return exact, converter.convert()


def means(data, images):
    """Returns the mean of each channel, by name of the layer's output."""
    graph = Graph(data)
    numbers = {
        graph.name(layer): layer.outputs[0]
        for layer in graph.operators(litert_bias.LAYERS)
    }
    found = litert_bias.channel_means(data, set(numbers.values()), images)
    values = {}
    for name, number in numbers.items():
        kept = graph.tensors[number].quantization
        is_int8 = kept is not None and kept.scale is not None
        scale, zero = (kept.scale[0], kept.zeroPoint[0]) if is_int8 else (1, 0)
        values[name] = scale * (found[number] - zero)
    return values


def test_the_means_of_all_layers_come_nearer(files, images):
    exact, quantized = files
    corrected = litert_bias.correct(quantized, exact, images)
    wanted, plain, found = (means(d, images) for d in (exact, quantized, corrected))
    assert wanted.keys() == plain.keys() == found.keys() and len(wanted) == 5
    for name, value in wanted.items():
        before, after = (np.abs(v[name] - value).mean() for v in (plain, found))
        assert after < 0.5 * before, name


def test_only_biases_change(files, images):
    exact, quantized = files
    before, after = (
        Graph(data)
        for data in (quantized, litert_bias.correct(quantized, exact, images))
    )
    pairs = list(
        zip(
            before.operators(litert_bias.LAYERS),
            after.operators(litert_bias.LAYERS),
            strict=True,
        )
    )
    changed = []
    for old, new in pairs:
        np.testing.assert_array_equal(before.constant(old, 1), after.constant(new, 1))
        biases = before.constant(old, 2), after.constant(new, 2)
        assert (biases[0] is None) == (biases[1] is None)
        if biases[0] is not None:
            changed.append((biases[0] != biases[1]).any())
    assert changed == [True] * 4


def test_weights_that_are_exact_leave_the_file_as_it_computes(files, images):
    exact, _ = files
    same = litert_bias.correct(exact, exact, images)
    for name, value in means(exact, images).items():
        np.testing.assert_array_equal(means(same, images)[name], value)


def test_a_constant_that_is_shared_changes_for_one(files):
    graph = Graph(files[0])
    first, second = list(graph.operators(["CONV_2D"]))
    second.inputs = np.array([*second.inputs[:2], first.inputs[2]])
    kept = graph.constant(first, 2)
    graph.replace(first, 2, kept + 1)
    again = Graph(graph.to_bytes())
    first, second = list(again.operators(["CONV_2D"]))
    np.testing.assert_array_equal(again.constant(first, 2), kept + 1)
    np.testing.assert_array_equal(again.constant(second, 2), kept)
