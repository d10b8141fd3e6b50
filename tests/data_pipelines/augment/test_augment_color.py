"""Hue, saturation and tables of values against colorsys, NumPy and Pillow."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from samples import TINY_IMAGES, distance, noise, smooth

from data_pipelines.augment import color, tables

FACTORS = [0.0, 0.3, 1.0, 1.6, 2.0]


def through_hsv(image, change):
    """Returns float levels after `change(h, s, v)`, each in 0..1, of every pixel."""
    out = np.empty(image.shape)
    for place in np.ndindex(image.shape[:2]):
        hsv = colorsys.rgb_to_hsv(*(image[place] / 255))
        out[place] = colorsys.hsv_to_rgb(*change(*hsv))
    return out * 255


@pytest.mark.parametrize("share", [-0.5, -0.2, 0.0, 1 / 3, 0.5])
def test_hue_moves_around_the_circle(share):
    image = noise(0)
    expected = through_hsv(image, lambda h, s, v: ((h + share) % 1, s, v))
    assert distance(color.adjust_hsv(image, share, 1), expected) <= 0.51


def test_a_third_of_the_circle_is_from_red_to_green():
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert color.adjust_hsv(red, 1 / 3, 1).tolist() == [[[0, 255, 0]]]


@pytest.mark.parametrize("factor", [*FACTORS, 100.0])
def test_saturation_is_scaled_as_in_hsv_and_clipped(factor):
    image = noise(1)
    expected = through_hsv(image, lambda h, s, v: (h, min(1, s * factor), v))
    assert distance(color.adjust_hsv(image, 0, factor), expected) <= 0.51


@pytest.mark.parametrize("factor", FACTORS)
def test_color_is_that_of_pillow(factor):
    for image in (noise(2), smooth(2)):
        expected = ImageEnhance.Color(Image.fromarray(image)).enhance(factor)
        # Pillow cuts fractions off where this rounds, twice.
        assert distance(color.scale_color(image, factor), expected) <= 2


@given(image=TINY_IMAGES, factor=st.floats(0, 3), share=st.floats(-0.5, 0.5))
def test_gray_stays_gray_and_no_change_is_none(image, factor, share):
    gray = np.repeat(image[..., :1], 3, axis=-1)
    assert np.array_equal(color.adjust_hsv(gray, share, factor), gray)
    assert distance(color.scale_color(gray, factor), gray) <= 1
    assert np.array_equal(color.adjust_hsv(image, 0, 1), image)
    assert np.array_equal(color.scale_color(image, 1), image)


def test_hue_and_saturation_can_change_together():
    image = noise(9)
    expected = through_hsv(image, lambda h, s, v: ((h - 0.1) % 1, min(1, 1.5 * s), v))
    assert distance(color.adjust_hsv(image, -0.1, 1.5), expected) <= 0.51


def test_without_saturation_pixels_are_as_bright_as_their_brightest_channel():
    image = noise(3)
    expected = np.repeat(image.max(-1, keepdims=True), 3, axis=-1)
    assert np.array_equal(color.adjust_hsv(image, 0, 0), expected)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("anchor", [0.0, 117.3, 255.0])
def test_stretching_is_its_formula_on_every_pixel(factor, anchor):
    image = noise(4)
    found = tables.apply(image, tables.stretch(tables.LEVELS, factor, anchor))
    exact = np.clip(anchor + (image - anchor) * factor, 0, 255)
    assert np.array_equal(found, np.rint(exact))


@pytest.mark.parametrize("factor", FACTORS)
def test_brightness_and_contrast_are_those_of_pillow(factor):
    image = smooth(5)
    picture = Image.fromarray(image)
    brighter = tables.apply(image, tables.stretch(tables.LEVELS, factor))
    # Pillow cuts fractions off where this rounds, also of the mean.
    assert distance(brighter, ImageEnhance.Brightness(picture).enhance(factor)) <= 1
    mean = tables.mean_gray(image)
    contrasted = tables.apply(image, tables.stretch(tables.LEVELS, factor, mean))
    assert distance(contrasted, ImageEnhance.Contrast(picture).enhance(factor)) <= 2


def test_channels_can_have_tables_of_their_own():
    image = noise(6)
    levels = tables.stretch(tables.LEVELS, np.array([0.5, 1.0, 1.5]))
    levels = tables.shift(levels, np.array([10.0, -20.0, 0.0]))
    scaled = np.clip(image * [0.5, 1.0, 1.5], 0, 255)
    expected = np.rint(np.clip(scaled + np.array([10, -20, 0]), 0, 255))
    assert np.array_equal(tables.apply(image, levels), expected)


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterizing_is_that_of_pillow(bits):
    image = noise(7)
    expected = ImageOps.posterize(Image.fromarray(image), bits)
    found = tables.apply(image, tables.posterize(tables.LEVELS, bits))
    assert distance(found, expected) == 0


@pytest.mark.parametrize("threshold", [0, 1, 100, 255, 256])
def test_solarizing_is_that_of_pillow(threshold):
    image = noise(8)
    expected = ImageOps.solarize(Image.fromarray(image), threshold)
    found = tables.apply(image, tables.solarize(tables.LEVELS, threshold))
    assert distance(found, expected) == 0


@given(image=TINY_IMAGES)
def test_auto_contrast_is_that_of_pillow(image):
    expected = ImageOps.autocontrast(Image.fromarray(image))
    assert distance(tables.auto_contrast(image), expected) <= 1


@given(image=TINY_IMAGES)
def test_equalization_maps_each_channel_by_its_cumulative_histogram(image):
    expected = image.copy()
    for channel in range(3):
        values = image[..., channel]
        below = np.cumsum(np.bincount(values.ravel(), minlength=256))
        first = below[values.min()]
        if first < values.size:  # else constant: as it is
            table = (below - first) / (values.size - first) * 255
            expected[..., channel] = np.rint(np.clip(table, 0, 255))[values]
    assert distance(tables.equalize(image), expected) <= 1
