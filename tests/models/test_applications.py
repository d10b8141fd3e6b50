"""The networks of keras.applications compute what those of Keras compute."""

import inspect
import itertools

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.errors import UsageError
from kerastpu.models.catalog import applications

NUM_CLASSES = 7
# With and without classifier; what each tries: operations that are no layers, Keras's
# preprocessing, models within the model, names by number.
QUICK = (
    ("mobilenet_v3_small", True),
    ("efficientnet_b0", True),
    ("convnext_tiny", False),
    ("xception", False),
)
CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
    for case in itertools.product(applications.ENTRIES, (True, False))
]
VGG16_PARAMETERS = {
    "block1_conv1": 1_792,
    "block1_conv2": 36_928,
    "block2_conv1": 73_856,
    "block2_conv2": 147_584,
    "block3_conv1": 295_168,
    "block3_conv2": 590_080,
    "block3_conv3": 590_080,
    "block4_conv1": 1_180_160,
    "block4_conv2": 2_359_808,
    "block4_conv3": 2_359_808,
    "block5_conv1": 2_359_808,
    "block5_conv2": 2_359_808,
    "block5_conv3": 2_359_808,
    "fc1": 102_764_544,
    "fc2": 16_781_312,
    "probabilities": 4_097_000,
}


def shape_of(name):
    side = models.REGISTRY[name].min_size
    return side, side + 16, 3


def predict(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


def build_by_keras(name, **options):
    """Builds Keras's own network, with weights that are nowhere 0 or 1."""
    function = getattr(keras.applications, applications.KERAS_NAMES[name])
    if "include_preprocessing" in inspect.signature(function).parameters:
        options["include_preprocessing"] = False
    network = function(weights=None, input_shape=shape_of(name), **options)
    random = np.random.default_rng(0)
    for layer in network.layers:
        if not isinstance(layer, keras.layers.Normalization):
            layer.set_weights(
                [
                    w * random.uniform(0.9, 1.1, w.shape) + 1e-3
                    for w in layer.get_weights()
                ]
            )
    return network


def inputs_of(name):
    """Returns the same images as the bare network and as Keras's network take them."""
    images = np.random.default_rng(1).normal(size=(2, *shape_of(name)))
    is_scaled_inside = models.REGISTRY[name].family == "efficientnet"
    return images, images * 255 if is_scaled_inside else images


def assert_close(found, expected):
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.fixture
def file(tmp_path):
    """Where to save a network; pytest would keep up to 1.4 GB of it for long."""
    path = tmp_path / "network_of_keras.h5"
    yield str(path)
    path.unlink()


@pytest.mark.parametrize(("name", "include_top"), CASES)
def test_weights_of_the_network_of_keras_give_its_outputs(name, include_top, file):
    keras.backend.clear_session()  # numbers its "conv2d_3" from 0, as ours are
    top = {"classes": NUM_CLASSES} if include_top else {"pooling": "avg"}
    original = build_by_keras(name, include_top=include_top, **top)
    original.save(file)
    ours = models.build(
        name,
        input_shape=shape_of(name),
        num_classes=NUM_CLASSES,
        include_top=include_top,
        include_preprocessing=False,
        weights=file,
    )
    theirs = [layer.name for layer in original.layers]
    same = [layer.name for layer in ours.layers if layer.name in theirs]
    assert same == [name for name in theirs if name in same]  # for files without names
    images, scaled = inputs_of(name)
    assert ours.output_names == ["probabilities" if include_top else "features"]
    assert_close(predict(ours, images), predict(original, scaled))


def test_vgg16_has_the_parameters_of_the_paper_layer_by_layer():
    model = models.build("vgg16", input_shape=(224, 224, 3))
    assert model.count_params() == 138_357_544
    found = {
        layer.name: layer.count_params() for layer in model.layers if layer.weights
    }
    assert found == VGG16_PARAMETERS


@pytest.mark.parametrize(
    "name",
    ["mobilenet_v3_small", pytest.param("convnext_tiny", marks=pytest.mark.slow)],
)
def test_each_pooling_has_its_shape(name):
    shape, channels = (
        (64, 64, 3),
        {"convnext_tiny": 768, "mobilenet_v3_small": 576}[name],
    )
    expected = {"avg": (channels,), "max": (channels,), "flatten": (4 * channels,)}
    for pooling, features in expected.items():
        model = models.build(
            name, input_shape=shape, include_top=False, pooling=pooling
        )
        assert model.output_shape == (None, *features)
        assert model.output_names == ["features"]
    model = models.build(name, input_shape=shape, include_top=False, pooling=None)
    assert model.output_shape == (None, 2, 2, channels)
    with pytest.raises(
        UsageError, match=r"pooling must be .*'flatten', None.*got 'min'"
    ):
        models.build(name, input_shape=shape, include_top=False, pooling="min")


def test_names_do_not_depend_on_what_was_built_before():
    first, second = (
        models.build("mobilenet_v3_small", input_shape=(32, 32, 3), include_top=False)
        for _ in range(2)
    )
    names = [operation.name for operation in first.operations]
    assert names == [operation.name for operation in second.operations]
    assert "multiply" in names and "multiply_1" in names


def test_every_network_of_keras_is_there():
    builders = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(applications.KERAS_NAMES.values()) == builders
