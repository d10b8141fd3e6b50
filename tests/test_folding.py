"""A folded network is the same function with fewer layers."""

import keras
import numpy as np

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


def test_separable_convolutions_and_dense_layers_are_folded():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.SeparableConv2D(4, 3, depth_multiplier=2, use_bias=False)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.BatchNormalization()(keras.layers.Dense(5)(x))
    model = scramble(keras.Model(inputs, x))
    folded = fold_batch_norm(model)
    assert norms_of(folded) == []
    assert_same_function(model, folded)


def test_a_norm_with_several_consumers_is_folded_among_plain_operations():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 1)(keras.ops.flip(inputs, axis=-1) / 255.0)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(4, 1)(x) + x * 2.0
    model = scramble(keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(x)))
    folded = fold_batch_norm(model)
    assert norms_of(folded) == []
    assert_same_function(model, folded)


def test_a_norm_at_the_end_is_folded_and_one_beside_an_output_is_not():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(inputs)
    model = scramble(keras.Model(inputs, keras.layers.BatchNormalization()(x)))
    folded = fold_batch_norm(model)
    assert norms_of(folded) == []
    assert_same_function(model, folded)
    both = fold_batch_norm(keras.Model(inputs, [x, model.output]))
    assert len(norms_of(both)) == 1


def test_what_cannot_be_folded_stays():
    inputs = keras.Input((8, 8, 3))
    activated = keras.layers.Conv2D(4, 1, activation="relu")(inputs)
    shared = keras.layers.Conv2D(4, 1)(inputs)
    twice = keras.layers.Conv2D(4, 1)
    norm = keras.layers.BatchNormalization(name="called_twice")
    x = keras.layers.Add()(
        [
            norm(twice(inputs)),
            norm(twice(inputs + 1.0)),
            keras.layers.BatchNormalization(name="after_relu")(activated),
            keras.layers.BatchNormalization(name="of_two")(shared),
            shared,
        ]
    )
    model = scramble(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    folded = fold_batch_norm(model)
    assert set(norms_of(folded)) == {"after_relu", "of_two", "called_twice"}
    assert_same_function(model, folded)
