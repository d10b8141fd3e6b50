"""Laws that every registered model keeps, through one harness."""

import re
import subprocess
import sys

import harness
import keras
import numpy as np
import pytest

from kerastpu import cost, models
from kerastpu.errors import UsageError

SHAPE = (32, 40, 3)


@pytest.mark.parametrize("name", harness.FEWER_NAMES)
def test_size_and_cost_are_those_of_the_entry(name):
    entry = models.REGISTRY[name]
    shape = (entry.image_size, entry.image_size, entry.channels)
    model = models.build(name, input_shape=shape)
    assert model.output_shape == (None, entry.num_classes)
    assert model.count_params() == entry.num_parameters
    assert cost.count_flops(model) == entry.flops


def test_uint8_and_float_pixels_give_the_same_probabilities(built):
    assert built.probabilities.shape == (2, harness.NUM_CLASSES)
    assert built.probabilities.dtype == np.float32
    np.testing.assert_allclose(built.probabilities.sum(axis=1), 1, atol=1e-5)
    again = harness.predict(built.model, built.images.astype("float32"))
    np.testing.assert_array_equal(again, built.probabilities)


def test_layers_are_stock_keras_and_flat(built):
    refused = (keras.layers.Lambda, keras.layers.Normalization, keras.Model)
    for layer in built.model.layers:
        assert type(layer).__module__.startswith("keras.src."), layer.name
        assert not isinstance(layer, refused), layer.name
    assert built.model.input.name == "image"
    assert built.model.output_names == ["probabilities"]
    assert built.model.name == built.name


@pytest.mark.parametrize("built", harness.FEWER_NAMES, indirect=True)
def test_file_and_json_load_with_plain_keras_where_kerastpu_is_absent(saved, stranger):
    stranger.ask(saved)


@pytest.mark.parametrize("built", harness.FEWER_NAMES, indirect=True)
def test_bare_network_without_top_is_a_part_of_the_whole(built):
    # The network itself: no preprocessing, no classifier, no pooling if it can be had.
    pooling = {"pooling": None} if built.entry.is_backbone else {}
    bare = harness.build(
        built.name, include_top=False, include_preprocessing=False, **pooling
    )
    for layer in bare.layers:
        layer.set_weights(built.model.get_layer(layer.name).get_weights())
    (end,) = bare.output_names
    whole = keras.Model(built.model.input, built.model.get_layer(end).output)
    found = harness.predict(bare, built.entry.preprocessing.on_array(built.images))
    expected = harness.predict(whole, built.images)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def build_in_mixed_precision(name, shape):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return harness.build(name, input_shape=shape)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", harness.FEWER_NAMES)
def test_smallest_gray_images_in_mixed_precision_give_float32(name):
    entry = models.REGISTRY[name]
    shape = (entry.min_size, entry.min_size, 1)
    if isinstance(entry.preprocessing.offset, tuple):  # one for each of three channels
        with pytest.raises(UsageError, match=r"3 channels; .*" + re.escape(str(shape))):
            harness.build(name, input_shape=shape)
        shape = (*shape[:2], 3)
    model = build_in_mixed_precision(name, shape)
    assert model.get_layer("preprocessing").compute_dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    probabilities = harness.predict(model, harness.random_images(2, shape))
    assert probabilities.dtype == np.float32
    assert np.all(np.isfinite(probabilities))


@pytest.mark.parametrize("name", models.REGISTRY)
def test_images_below_the_smallest_size_are_refused(name):
    entry = models.REGISTRY[name]
    least = entry.min_size
    for side, other in ((least - 1, least), (least, least - 1)):
        shape = (side, other, entry.channels)
        with pytest.raises(UsageError, match=f"at least {least} .* got ") as caught:
            models.build(name, input_shape=shape)
        assert str(shape) in str(caught.value)


@pytest.mark.parametrize("built", harness.FEWER_NAMES, indirect=True)
def test_steps_lower_the_loss_and_reach_the_first_layer(built):
    before = built.model.get_weights()
    first = keras.ops.convert_to_numpy(built.model.trainable_weights[0])
    losses = harness.train(built.model)
    moved = keras.ops.convert_to_numpy(built.model.trainable_weights[0]) - first
    built.model.set_weights(before)  # other laws look at this model too
    assert losses[-1] < losses[0], losses
    assert np.any(moved)


WITH_NORMALIZATION = [n for n, entry in models.REGISTRY.items() if entry.normalizations]


@pytest.mark.parametrize("name", WITH_NORMALIZATION)
def test_mnist_normalization_is_that_of_the_data(name):
    model = harness.build(name, normalization="mnist")
    scaling = keras.Model(model.input, model.get_layer("preprocessing").output)
    images = harness.random_images(2, harness.shape_of(name))
    expected = (images.astype("float32") / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(harness.predict(scaling, images), expected, atol=1e-5)
    with pytest.raises(UsageError, match="normalization must be unit or mnist"):
        harness.build(name, normalization="imagenet")


def test_importing_the_registry_imports_no_keras():
    code = "import sys, kerastpu.models; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "resnet"}, "unknown model 'resnet'"),
        ({"input_shape": (32, 32)}, r"input_shape must be .* got \(32, 32\)"),
        ({"input_shape": (8, 32, 3)}, r"at least 16 .* got \(8, 32, 3\)"),
        ({"input_shape": (32.0, 32, 3)}, r"got \(32.0, 32, 3\)"),
        ({"num_classes": 1}, "num_classes must be .* at least 2; got 1"),
        ({"num_classes": "5"}, "got '5'"),
        ({"weights": "imagenet"}, "weights must be None or .* got 'imagenet'"),
        ({"depth": 3}, "'squeezenet' takes no option depth; its options: normal"),
    ],
)
def test_bad_arguments_are_refused_in_one_line_that_repeats_them(arguments, message):
    good = {"name": "squeezenet", "input_shape": SHAPE, "num_classes": 3}
    with pytest.raises(UsageError, match=message) as caught:
        models.build(**{**good, **arguments})
    assert "\n" not in str(caught.value)
