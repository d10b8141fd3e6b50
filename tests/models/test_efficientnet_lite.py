"""EfficientNet-Lite0 equals its PyTorch original; a frozen backbone does not move."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.models import efficientnet_lite, layers

# First six ImageNet logits of two images, and the class of the highest: made by
# efficientnet-lite-pytorch 0.1.0 on torch 2.13.0 (CPU) with the packaged checkpoint,
# model.eval(), image_size=64, from (x - 127) / 128 of the pixels below.
TORCH_LOGITS = (
    (-1.59963, 0.13221, -0.03020, 0.30687, 0.18158, -0.50571),
    (-3.05389, -0.73410, -0.62842, 0.76630, 2.24070, 1.04919),
)
TORCH_CLASSES = (111, 111)


def golden_images():
    return np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)[:2]


@pytest.fixture(scope="module")
def imagenet():
    return models.build(
        "efficientnet_lite0", input_shape=(64, 64, 3), weights="imagenet"
    )


def test_imagenet_logits_equal_those_of_the_torch_original(imagenet):
    backbone = keras.Model(imagenet.input, imagenet.get_layer("features").output)
    kernel, bias = imagenet.get_layer("probabilities").get_weights()
    features = keras.ops.convert_to_numpy(backbone(golden_images(), training=False))
    logits = features @ kernel + bias
    np.testing.assert_allclose(logits[:, :6], TORCH_LOGITS, rtol=1e-3, atol=1e-3)
    assert tuple(logits.argmax(axis=1)) == TORCH_CLASSES


def test_a_new_classifier_keeps_the_imagenet_backbone(imagenet):
    model = models.build(
        "efficientnet_lite0", input_shape=(64, 64, 3), num_classes=4, weights="imagenet"
    )
    for ours, theirs in zip(
        model.get_weights()[:-2], imagenet.get_weights()[:-2], strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert model.output_shape == (None, 4)


def test_a_training_step_on_a_frozen_backbone_moves_only_the_classifier():
    model = models.build("efficientnet_lite0", input_shape=(32, 32, 3), num_classes=4)
    layers.freeze_backbone(model)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    model.train_on_batch(images, np.arange(8) // 3)
    moved = [
        layer.name
        for layer in model.layers
        if any(map(np.any, map(np.subtract, layer.get_weights(), before[layer.name])))
    ]
    assert moved == ["probabilities"]


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


def test_scaling_width_and_depth_gives_the_size_of_lite2():
    variant = efficientnet_lite.Variant(
        "scaled", 1.1, 1.2, 0.3, efficientnet_lite.LITE0.weights
    )
    model = efficientnet_lite.build_efficientnet_lite(
        variant, input_shape=(32, 32, 3), num_classes=1000
    )
    # efficientnet-lite-pytorch 0.1.0, "efficientnet-lite2", BatchNorm statistics too.
    assert model.count_params() == 6_150_168
