"""Receptive fields are what a lone lit pixel reaches, and published figures."""

import keras
import numpy as np
import pytest
from keras import layers

from kerastpu import models
from kerastpu.summaries import receptive_field
from kerastpu.summaries.calls import read_calls

HEIGHT, WIDTH = 23, 26  # odd and even: "same" pads differently


def residual(x):
    return layers.Add()([x, layers.Conv2D(1, 3, padding="same")(x)])


def inception(x):
    branches = [layers.Conv2D(2, size, padding="same")(x) for size in (1, 3, 5)]
    return layers.Concatenate()(branches)


def shifted_branches(x):
    """One branch sees to the left, the other one to the right."""
    left = layers.Conv2D(1, 4)(layers.ZeroPadding2D(((3, 0), (3, 0)))(x))
    right = layers.Conv2D(1, 4)(layers.ZeroPadding2D(((0, 3), (0, 3)))(x))
    return layers.Add()([left, right])


STACKS = {
    "strides": (
        layers.Conv2D(2, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(2, 3),
        layers.MaxPooling2D(2),
    ),
    "padding": (
        layers.ZeroPadding2D(((1, 2), (3, 0))),
        layers.Conv2D(1, 5, strides=2),
        layers.AveragePooling2D(3, strides=2, padding="same"),
    ),
    "cropping": (layers.Cropping2D(((1, 2), (0, 3))), layers.Conv2D(1, 2, strides=3)),
    "dilation": (
        layers.Conv2D(1, 3, dilation_rate=2, padding="same"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.SeparableConv2D(1, 4, padding="same"),
    ),
    "rectangles": (
        layers.Conv2D(1, (1, 7), padding="same"),
        layers.Conv2D(1, (5, 1), strides=(2, 2), padding="same"),
    ),
    "residual": (layers.Conv2D(1, 3, strides=2, padding="same"), residual, residual),
    "inception": (inception, layers.MaxPooling2D(2), inception),
    "shifted": (shifted_branches, layers.Conv2D(1, 2, strides=2)),
    "by position": (
        layers.Rescaling(2.0),
        layers.Conv2D(3, 3, padding="same"),
        layers.LayerNormalization(epsilon=1.0, center=False),
        layers.Dense(2),
        layers.Dropout(0.5),
    ),
}


def build(stack, shape=(HEIGHT, WIDTH, 1)):
    x = image = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x)


def named_anew(stack):
    """Returns the layers under names of now: tests before may have reset the names."""
    for layer in stack:
        if isinstance(layer, layers.Layer):
            config = layer.get_config()
            del config["name"]
            yield type(layer).from_config(config)
        else:
            yield layer


def last_field(model):
    return receptive_field.of_calls(read_calls(model))[-1]


def reached(model):
    """Returns for each pixel whether it moves each output: (pixels, ...) bool.

    Kernels are above 0, so that nothing is cancelled, and the dark image gives 0.
    """
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        if weight.name not in ("beta", "bias"):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    pixels = HEIGHT * WIDTH
    lit = np.eye(pixels, dtype="float32").reshape(pixels, HEIGHT, WIDTH, 1)
    return np.any(keras.ops.convert_to_numpy(model(lit)), axis=-1)


@pytest.mark.parametrize("name", STACKS)
def test_a_lit_pixel_reaches_the_positions_whose_fields_it_is_in(name):
    model = build(named_anew(STACKS[name]))
    field = last_field(model)
    moved = reached(model).reshape(HEIGHT, WIDTH, *model.output_shape[1:3])
    for axis, size in enumerate((HEIGHT, WIDTH)):
        others = (1 - axis, 3 - axis)
        seen = moved.any(axis=others)  # (pixels along the axis, positions along it)
        one = field.ranges[axis]
        for position in range(seen.shape[1]):
            start = one.first + position * one.stride
            inside = [p for p in range(start, start + one.size) if 0 <= p < size]
            found = np.flatnonzero(seen[:, position])
            assert (found[0], found[-1]) == (inside[0], inside[-1])


# Araujo et al., table of their article: size and stride of the last map.
PUBLISHED = {"vgg16": (212, 32), "mobilenet": (315, 32), "resnet50_v1": (483, 32)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_networks_have_the_published_fields(name):
    model = models.build(
        name, input_shape=(224, 224, 3), include_top=False, pooling=None
    )
    assert [(r.size, r.stride) for r in last_field(model).ranges] == [
        PUBLISHED[name]
    ] * 2


def squeezed(x):
    weights = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return layers.Multiply()([x, layers.Dense(1, activation="sigmoid")(weights)])


def unequal(x):
    small = layers.MaxPooling2D(2, name="small")(x)
    big = layers.MaxPooling2D(2, strides=1, padding="valid")(x)[:, :11, :13]
    return layers.Concatenate(name="join")([small, big])


@pytest.mark.parametrize(
    ("stack", "reason"),
    [
        ((layers.GlobalAveragePooling2D(),), "all"),
        ((layers.Flatten(), layers.Dense(3)), "all"),
        ((squeezed,), "all"),
        ((layers.Reshape((HEIGHT * WIDTH, 1)), layers.LSTM(2)), "pixels"),
        ((layers.UpSampling2D(2, name="up"), layers.Conv2D(1, 3)), "up"),
        ((layers.Conv2DTranspose(1, 3, name="back"),), "back"),
    ],
)
def test_where_fields_are_not_defined_the_reason_is_told(stack, reason):
    if reason == "pixels":
        stack[0].name = "pixels"
    field = last_field(build(stack))
    assert (field.ranges, field.reason) == ((), reason)


def test_branches_of_other_strides_have_no_common_field():
    field = last_field(build([unequal]))
    assert field.ranges == () and field.reason


def test_offsets_are_unknown_where_same_padding_depends_on_an_unknown_size():
    stack = (
        layers.Conv2D(1, 3, padding="same"),
        layers.MaxPooling2D(2, padding="same"),
    )
    before, after = receptive_field.of_calls(read_calls(build(stack, (None, None, 1))))[
        1:
    ]
    assert [(r.size, r.stride, r.first) for r in before.ranges] == [(3, 1, -1)] * 2
    assert [(r.size, r.stride, r.first) for r in after.ranges] == [(4, 2, None)] * 2


def test_words_are_positions_and_causal_windows_look_back():
    words = keras.Input((20,), dtype="int32")
    x = layers.Embedding(50, 4)(words)
    x = layers.Conv1D(4, 3, padding="causal")(x)
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)
    (one,) = last_field(keras.Model(words, x)).ranges
    assert (one.size, one.stride, one.first) == (7, 1, -6)
