"""A folded network is the same function with fewer layers."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.folding import fold_batch_norm

RANDOM = np.random.default_rng(0)


def scramble(model):
    """Gives every weight, BatchNorm statistics too, a value that matters."""
    weights = model.get_weights()
    model.set_weights([RANDOM.uniform(0.5, 1.5, weight.shape) for weight in weights])
    return model


def norms_of(model):
    kind = keras.layers.BatchNormalization
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def assert_same_function(model, folded):
    inputs = RANDOM.uniform(0, 255, (4, *model.input_shape[1:])).astype("float32")
    expected = model.predict(inputs, verbose=0)
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(
        folded.predict(inputs, verbose=0), expected, rtol=1e-4, atol=1e-5 * scale
    )


@pytest.mark.parametrize("name", models.REGISTRY)
def test_folded_network_gives_the_same_outputs(name):
    model = models.build(
        name, input_shape=(32, 32, 3), num_classes=4, include_top=False
    )
    before = [weight.copy() for weight in model.get_weights()]
    folded = fold_batch_norm(model)
    assert_same_function(model, folded)
    for mine, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_every_norm_of_the_imagenet_backbone_is_folded():
    model = models.build(
        "efficientnet_lite0", input_shape=(32, 32, 3), include_top=False
    )
    assert len(norms_of(model)) == 49
    assert norms_of(fold_batch_norm(model)) == []


def test_bias_multiplier_and_plain_norms_are_folded_right():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=True)(inputs)
    x = keras.layers.BatchNormalization(scale=False)(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x)
    x = keras.layers.BatchNormalization(center=False)(x)
    model = scramble(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    folded = fold_batch_norm(model)
    assert norms_of(folded) == []
    assert_same_function(model, folded)


def test_what_cannot_be_folded_stays():
    inputs = keras.Input((8, 8, 3))
    activated = keras.layers.Conv2D(4, 1, activation="relu")(inputs)
    shared = keras.layers.Conv2D(4, 1)(inputs)
    x = keras.layers.Add()(
        [
            keras.layers.BatchNormalization(name="after_relu")(activated),
            keras.layers.BatchNormalization(name="of_two")(shared),
            shared,
        ]
    )
    model = scramble(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    folded = fold_batch_norm(model)
    assert norms_of(folded) == ["after_relu", "of_two"]
    assert_same_function(model, folded)
