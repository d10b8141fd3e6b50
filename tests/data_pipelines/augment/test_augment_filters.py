"""Blur and sharpening against NumPy and Pillow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from samples import TINY_IMAGES, distance, noise, smooth

from data_pipelines.augment import filters


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 2.0])
def test_blurring_is_a_gaussian(sigma):
    image = noise(0)
    reach = np.arange(-8, 9)
    weights = np.exp(-0.5 * (reach / sigma) ** 2)
    weights /= weights.sum()
    expected = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="reflect").astype(float)
    for axis in (0, 1):
        expected = np.apply_along_axis(np.convolve, axis, expected, weights, "valid")
    # The filter ends at 3 sigma: 0.3 % of 255 levels, in two directions.
    assert distance(filters.blur(image, sigma), expected) <= 2


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_sharpening_is_that_of_pillow(factor):
    for image in (noise(1), smooth(1)):
        expected = ImageEnhance.Sharpness(Image.fromarray(image)).enhance(factor)
        inner = np.s_[1:-1, 1:-1]  # Pillow leaves the outermost pixels as they are
        found = filters.sharpen(image, factor)
        # Pillow rounds the smoothed image first, which the factor scales.
        limit = 1 + abs(1 - factor)
        assert distance(found[inner], np.asarray(expected)[inner]) <= limit


@given(image=TINY_IMAGES, sigma=st.floats(0.1, 2), factor=st.floats(0, 3))
def test_flat_stays_flat_and_any_size_will_do(image, sigma, factor):
    flat = np.full_like(image, image[0, 0, 0])
    assert np.array_equal(filters.sharpen(flat, factor), flat)
    assert distance(filters.blur(flat, sigma), flat) <= 1
    assert filters.blur(image, sigma).shape == image.shape
    assert np.array_equal(filters.sharpen(image, 1), image)
