"""Fire and inception modules, BatchNorm's place, separable convolutions."""

import keras
import numpy as np
import pytest

from kerastpu.errors import UsageError
from kerastpu.models import blocks, fire, inception

SIZE, CHANNELS = 9, 4


def build(module):
    inputs = keras.Input((SIZE, SIZE, CHANNELS))
    model = keras.Model(inputs, module(inputs))
    # Positive weights: no ReLU hides what a pixel does.
    model.set_weights([np.full(w.shape, 0.1) for w in model.get_weights()])
    return model


def predict(model, inputs, training=False):
    return keras.ops.convert_to_numpy(model(inputs, training=training))


def fields(model):
    """Returns for each output channel the side of the square that one pixel reaches."""
    dark = np.zeros((1, SIZE, SIZE, CHANNELS), "float32")
    lit = dark.copy()
    lit[0, SIZE // 2, SIZE // 2] = 1
    changed = ~np.isclose(predict(model, lit), predict(model, dark))[0]
    sides = []
    for channel in np.moveaxis(changed, -1, 0):
        rows, columns = channel.any(axis=1).sum(), channel.any(axis=0).sum()
        assert channel.sum() == rows * columns and rows == columns
        sides.append(int(rows))
    return sides


def test_fire_gives_half_its_channels_to_1x1_and_half_to_3x3():
    assert fields(build(fire.fire_module(2, 6))) == [1, 1, 1, 3, 3, 3]


def test_fire_costs_less_than_half_of_the_convolution_that_it_stands_for():
    inputs = keras.Input((SIZE, SIZE, 48))
    module = keras.Model(inputs, fire.fire_module(24, 48)(inputs))
    convolution = keras.Model(
        inputs, keras.layers.Conv2D(48, 3, padding="same")(inputs)
    )
    assert module.output_shape == convolution.output_shape
    assert module.count_params() < convolution.count_params() / 2


def test_the_codelabs_inception_module_has_64_channels():
    model = build(inception.inception_module(32, 32))
    assert model.output_shape == (None, SIZE, SIZE, 64)
    assert fields(model) == [1] * 32 + [3] * 32


def test_inception_branches_see_windows_of_their_sizes():
    module = inception.inception_module(
        1, 2, filters_5x5=3, filters_pool=4, reduce_3x3=5, reduce_5x5=6, name="mixed"
    )
    model = build(module)
    assert fields(model) == [1] + [3] * 2 + [5] * 3 + [3] * 4
    # 1x1; reduction and 3x3; reduction and 5x5; 1x1 behind the pool
    weights = 4 * 1, 4 * 5 + 9 * 5 * 2, 4 * 6 + 25 * 6 * 3, 4 * 4
    biases = 1 + (5 + 2) + (6 + 3) + 4
    assert model.count_params() == sum(weights) + biases
    assert model.get_layer("mixed_concat").output.shape[-1] == 10


def test_two_3x3_convolutions_see_as_much_as_one_5x5_and_cost_less():
    two = build(lambda x: blocks.stack(x, ((4, 3), (4, 3))))
    one = build(lambda x: blocks.stack(x, ((4, 5),)))
    assert fields(two) == fields(one) == [5] * 4
    assert two.count_params() < one.count_params()


def test_a_1x1_convolution_combines_channels_of_one_pixel():
    assert fields(build(lambda x: blocks.stack(x, ((3, 1),)))) == [1] * 3


@pytest.mark.parametrize(
    ("place", "num_weights", "is_positive"),
    [("none", 2, True), ("after", 6, False), ("before", 4, True)],
)
def test_batch_norm_stands_where_it_is_said(place, num_weights, is_positive):
    inputs = keras.Input((SIZE, SIZE, CHANNELS))
    model = keras.Model(inputs, blocks.conv(inputs, 8, 3, "c", batch_norm=place))
    pixels = np.random.default_rng(0).normal(size=(4, SIZE, SIZE, CHANNELS))
    outputs = predict(model, pixels.astype("float32"), training=True)
    assert len(model.weights) == num_weights
    # ReLU last: nothing is negative. BatchNorm last: each channel has mean 0.
    assert (outputs.min() >= 0) == is_positive
    if place == "after":
        np.testing.assert_allclose(outputs.mean(axis=(0, 1, 2)), 0, atol=1e-4)
        assert model.get_layer("c_bn").momentum == 0.9


def test_a_separable_convolution_is_a_full_one_with_63_weights_instead_of_240():
    inputs = keras.Input((6, 6, 3))
    separable = keras.layers.SeparableConv2D(5, 4, use_bias=False)
    full = keras.layers.Conv2D(5, 4, use_bias=False)
    model = keras.Model(inputs, [separable(inputs), full(inputs)])
    assert (separable.count_params(), full.count_params()) == (63, 240)
    depthwise, pointwise = separable.get_weights()
    full.set_weights([np.einsum("hwcm,xycf->hwcf", depthwise, pointwise)])
    pixels = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    one, other = map(keras.ops.convert_to_numpy, model(pixels))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fire.fire_module(0, 48), "squeeze must be .* at least 1; got 0"),
        (lambda: fire.fire_module(24, 49), "expand must be an even .*; got 49"),
        (lambda: fire.fire_module(24, 48, batch_norm=True), "none, after, before; got"),
        (lambda: inception.inception_module(32, -1), "filters_3x3 must .* got -1"),
        (lambda: inception.inception_module(32, 0), "at least two branches"),
        (
            lambda: inception.inception_module(32, 32, reduce_5x5=8),
            "reduce_5x5 must be 0 without filters_5x5; got 8",
        ),
    ],
)
def test_modules_refuse_what_they_cannot_build(make, message):
    with pytest.raises(UsageError, match=message):
        make()
