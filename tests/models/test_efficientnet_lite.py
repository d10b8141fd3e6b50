"""EfficientNet-Lite equals its PyTorch original."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.models import efficientnet_lite

# First six ImageNet logits of two images, and the classes of the highest: made by
# efficientnet-lite-pytorch 0.1.0 on torch 2.13.0 (CPU) with the packaged checkpoints,
# model.eval(), image_size=64, from (x - 127) / 128 of the pixels below.
TORCH = {
    "efficientnet_lite0": (
        (-1.59963, 0.13221, -0.03020, 0.30687, 0.18158, -0.50571),
        (-3.05389, -0.73410, -0.62841, 0.76630, 2.24070, 1.04919),
        (111, 111),
    ),
    "efficientnet_lite1": (
        (-1.88063, -0.63464, 0.92901, 1.42279, 1.91337, 2.26609),
        (-2.07659, -0.04426, 1.77791, 2.92570, 2.42017, 1.48756),
        (490, 984),
    ),
    "efficientnet_lite2": (
        (-1.31365, 0.91520, 0.42703, -0.04473, 0.78549, 1.20818),
        (-1.12588, 1.02579, -0.47066, -0.01015, 0.94936, 1.38210),
        (111, 111),
    ),
}


def golden_images():
    return np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)[:2]


def build(name, **options):
    return models.build(name, input_shape=(64, 64, 3), weights="imagenet", **options)


@pytest.mark.parametrize("name", TORCH)
def test_imagenet_logits_equal_those_of_the_torch_original(name):
    *expected, classes = TORCH[name]
    imagenet = build(name)
    features = keras.Model(imagenet.input, imagenet.get_layer("features").output)
    kernel, bias = imagenet.get_layer("probabilities").get_weights()
    outputs = keras.ops.convert_to_numpy(features(golden_images(), training=False))
    logits = outputs @ kernel + bias
    np.testing.assert_allclose(logits[:, :6], expected, rtol=1e-3, atol=1e-3)
    assert tuple(logits.argmax(axis=1)) == classes


def test_another_classifier_or_none_keeps_the_imagenet_backbone():
    imagenet = build("efficientnet_lite0").get_weights()
    other = build("efficientnet_lite0", num_classes=4)
    assert other.output_shape == (None, 4)
    bare = build("efficientnet_lite0", include_top=False, pooling=None)
    assert bare.output_shape == (None, 2, 2, 1280)
    for model, weights in (
        (other, other.get_weights()[:-2]),
        (bare, bare.get_weights()),
    ):
        assert len(weights) == len(imagenet) - 2, model.name
        for ours, theirs in zip(weights, imagenet[:-2], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_weights_for_colors_are_refused_for_gray_images():
    with pytest.raises(UsageError, match=r"need 3 channels; .*\(64, 64, 1\)"):
        models.build("efficientnet_lite0", input_shape=(64, 64, 1), weights="imagenet")


def test_weights_of_another_member_are_refused_and_the_layer_is_named():
    wider = efficientnet_lite.Variant(
        "wider", 1.5, 1.0, 0.2, efficientnet_lite.LITE0.weights
    )
    with pytest.raises(KerastpuError, match="layer block0_project_conv"):
        efficientnet_lite.build_efficientnet_lite(
            wider, input_shape=(32, 32, 3), num_classes=3, weights="imagenet"
        )


@pytest.mark.parametrize("name", TORCH)
def test_the_builder_of_a_member_takes_images_of_its_own_size(name):
    entry = models.REGISTRY[name]
    model = getattr(efficientnet_lite, f"build_{name}")()
    assert model.input_shape == (None, entry.image_size, entry.image_size, 3)
    assert model.output_shape == (None, 1000)
    # efficientnet-lite-pytorch 0.1.0, BatchNorm statistics too.
    assert model.count_params() == entry.num_parameters
