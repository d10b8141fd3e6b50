"""The arithmetic of convolutions is that of Keras."""

import math

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from kerastpu import convolutions, cost
from kerastpu.errors import UsageError


def built(layer, shape):
    return keras.Sequential([keras.Input(shape), layer])


def test_a_separable_convolution_needs_63_weights_instead_of_240():
    assert convolutions.conv_parameters((4, 4), 3, 5, use_bias=False) == 240
    assert convolutions.separable_parameters((4, 4), 3, 5, use_bias=False) == 63


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_full_convolution_is_counted_as_keras_has_it(use_bias, groups):
    layer = layers.Conv2D(8, (3, 2), strides=2, groups=groups, use_bias=use_bias)
    model = built(layer, (11, 9, 6))
    assert model.count_params() == convolutions.conv_parameters(
        (3, 2), 6, 8, groups=groups, use_bias=use_bias
    )
    multiplications = convolutions.conv_multiplications(
        (3, 2), 6, 8, model.output_shape[1:3], groups=groups
    )
    assert cost.count_flops(model) == 2 * multiplications
    assert multiplications == math.prod(layer.kernel.shape) * 5 * 4


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_separable_convolution_is_counted_as_keras_has_it(use_bias):
    layer = layers.SeparableConv2D(8, 3, depth_multiplier=2, use_bias=use_bias)
    model = built(layer, (11, 9, 6))
    options = {"depth_multiplier": 2}
    assert model.count_params() == convolutions.separable_parameters(
        (3, 3), 6, 8, **options, use_bias=use_bias
    )
    multiplications = convolutions.separable_multiplications(
        (3, 3), 6, 8, (9, 7), **options
    )
    assert multiplications == 9 * 7 * (9 * 12 + 12 * 8)


sizes = st.integers(1, 40)
steps = st.integers(1, 4)


@given(size=sizes, kernel=st.integers(1, 7), stride=steps, padding=st.integers(0, 3))
def test_output_size_is_the_number_of_places_of_the_window(
    size, kernel, stride, padding
):
    places = range(-padding, size + padding - kernel + 1, stride)
    if not places:
        with pytest.raises(UsageError, match="kernel must span at most"):
            convolutions.output_size(size, kernel, stride=stride, padding=padding)
        return
    found = convolutions.output_size(size, kernel, stride=stride, padding=padding)
    assert found == len(places)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation"),
    [(28, 5, 1, 1), (28, 3, 2, 1), (29, 3, 3, 1), (30, 3, 1, 2)],
)
def test_output_size_is_that_of_keras(size, kernel, stride, dilation):
    layer = layers.Conv1D(1, kernel, strides=stride, dilation_rate=dilation)
    expected = layer.compute_output_shape((1, size, 1))[1]
    found = convolutions.output_size(size, kernel, stride=stride, dilation=dilation)
    assert found == expected


def test_padding_of_half_a_window_keeps_the_size():
    assert convolutions.output_size(28, 5, padding=2) == 28
    assert convolutions.output_size(28, 5, stride=2, padding=2) == 14


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.output_size(0, 3), "size must be .* at least 1; got 0"),
        (lambda c: c.output_size(9, 3, padding=-1), "padding .* at least 0; got -1"),
        (lambda c: c.output_size(9, 3, stride=1.5), "stride .*got 1.5"),
        (lambda c: c.conv_parameters(3, 4, 8), r"kernel must be .*\(3, 3\); got 3"),
        (lambda c: c.conv_parameters((3, 0), 4, 8), r"kernel\[1\] .* got 0"),
        (lambda c: c.conv_parameters((3, 3), 4, 8, groups=3), "groups .* got 3"),
        (lambda c: c.separable_parameters((3, 3), 4, 0), "filters .* got 0"),
        (lambda c: c.conv_multiplications((3, 3), 4, 8, (2, 0)), r"output\[1\]"),
    ],
)
def test_arguments_out_of_range_are_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call(convolutions)
