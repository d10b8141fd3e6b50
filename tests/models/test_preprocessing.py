"""What each network does to pixels is what its ImageNet weights were trained with."""

import math

import keras
import numpy as np
import pytest
from keras.src.applications import efficientnet

from kerastpu import models
from kerastpu.errors import UsageError
from kerastpu.models import preprocessing

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)

# Module of keras.applications with a `preprocess_input` that does something.
FUNCTIONS = {
    "densenet121": "densenet",
    "inception_resnet_v2": "inception_resnet_v2",
    "inception_v3": "inception_v3",
    "mobilenet": "mobilenet",
    "mobilenet_v2": "mobilenet_v2",
    "nasnet_mobile": "nasnet",
    "resnet50": "resnet",
    "resnet50_v2": "resnet_v2",
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "xception": "xception",
}
# Networks that scale inside: Keras's name, and the first layer after that.
LAYERS = {
    "convnext_tiny": ("ConvNeXtTiny", "convnext_tiny_stem"),
    "efficientnet_v2_b0": ("EfficientNetV2B0", "stem_conv"),
    "efficientnet_v2_s": ("EfficientNetV2S", "stem_conv"),
    "mobilenet_v3_small": ("MobileNetV3Small", "conv"),
}
# Of each formula of the catalog, a member that is built fast.
BUILT = ("convnet", "efficientnet_lite0", "mobilenet_v2", "vgg16", "convnext_tiny")


def apply(model, pixels=PIXELS):
    return keras.ops.convert_to_numpy(model(pixels, training=False))


def assert_equals(name, expected):
    found = models.REGISTRY[name].preprocessing.on_array(PIXELS)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_scaling_is_that_of_the_family_in_keras(name):
    module = getattr(keras.applications, FUNCTIONS[name])
    assert_equals(name, module.preprocess_input(PIXELS.astype("float32")))


@pytest.mark.parametrize("name", LAYERS)
def test_scaling_is_that_of_the_layers_inside_of_the_keras_network(name):
    keras_name, first = LAYERS[name]
    network = getattr(keras.applications, keras_name)(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    scaling = keras.Model(network.input, network.get_layer(first).input)
    assert_equals(name, apply(scaling))


def test_scaling_of_efficientnet_is_that_of_its_imagenet_weights():
    # They hold the standard deviation where Keras takes the variance, and a layer that
    # exists with ImageNet weights only makes up for it.
    deviation = efficientnet.IMAGENET_STDDEV_RGB
    layers = keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Normalization(
                mean=[0.485, 0.456, 0.406], variance=list(deviation)
            ),
            keras.layers.Rescaling([1 / math.sqrt(value) for value in deviation]),
        ]
    )
    assert_equals("efficientnet_b0", apply(layers))


def test_members_of_a_family_that_differ_say_so():
    small, large = (
        models.REGISTRY["efficientnet_v2_b3"],
        models.REGISTRY["efficientnet_v2_s"],
    )
    assert small.family == large.family
    assert small.preprocessing == preprocessing.TORCH
    assert large.preprocessing == preprocessing.SIGNED


@pytest.mark.parametrize("name", BUILT)
def test_the_layer_in_the_network_does_what_the_entry_says(name):
    model = models.build(name, input_shape=(32, 32, 3), include_top=False)
    scaling = keras.Model(model.input, model.get_layer("preprocessing").output)
    assert_equals(name, apply(scaling))


def test_gray_images_are_refused_where_each_color_is_scaled_on_its_own():
    with pytest.raises(UsageError, match=r"needs 3 channels; got .*\(32, 32, 1\)"):
        models.build("vgg16", input_shape=(32, 32, 1))
    bare = models.build(
        "mobilenet_v3_small",
        input_shape=(32, 32, 1),
        include_top=False,
        include_preprocessing=False,
    )
    assert bare.input_shape == (None, 32, 32, 1)
