"""Crops, turns and holes against NumPy and Pillow, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from samples import TINY_IMAGES, distance, noise, smooth

from data_pipelines.augment import Augment, geometry

UNIT = st.floats(0, 1)
INNER = np.s_[12:-12, 12:-12]  # what no edge has a part in


@given(
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    uniforms=st.tuples(UNIT, UNIT, UNIT, UNIT),
)
def test_crops_lie_inside(height, width, uniforms):
    augment = Augment(crop_scale=(0.1, 1.0))
    left, top, crop_width, crop_height = geometry.crop_box(
        height, width, uniforms, augment
    )
    assert crop_width >= 1 and crop_height >= 1
    assert 0 <= left <= left + crop_width <= width
    assert 0 <= top <= top + crop_height <= height


def test_crops_have_the_areas_and_ratios_that_were_asked_for():
    augment = Augment(crop_scale=(0.3, 0.6), crop_ratio=(2 / 3, 3 / 2))
    rng = np.random.default_rng(0)
    boxes = np.array(
        [geometry.crop_box(900, 900, rng.random(4), augment) for _ in range(2000)]
    )
    left, top, width, height = boxes.T
    areas, ratios = width * height / 900**2, np.log(width / height) / np.log(1.5)
    # Both are even over their range, the ratio in logarithm; positions over the room.
    assert areas.min() == pytest.approx(0.3, abs=0.01)
    assert areas.max() == pytest.approx(0.6, abs=0.01)
    assert areas.mean() == pytest.approx(0.45, abs=0.01)
    assert ratios.min() == pytest.approx(-1, abs=0.02)
    assert ratios.max() == pytest.approx(1, abs=0.02)
    assert ratios.mean() == pytest.approx(0, abs=0.05)
    assert (left / (900 - width)).mean() == pytest.approx(0.5, abs=0.03)
    assert (top / (900 - height)).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("degrees", [-30.0, 7.5, 90.0])
def test_a_turn_is_that_of_pillow(degrees):
    image = smooth(1)
    turned = Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR)
    for is_mirrored in (False, True):
        found = geometry.rotate(image, degrees, is_mirrored=is_mirrored)
        assert distance(found[INNER], np.asarray(turned)[INNER]) <= 2


def test_what_a_turn_lays_bare_is_gray_or_mirrored():
    image = np.full((40, 40, 3), 10, np.uint8)
    gray = geometry.rotate(image, 45, is_mirrored=False)
    assert (gray[0, 0] == 128).all() and (gray[20, 20] == 10).all()
    assert (geometry.rotate(image, 45, is_mirrored=True) == 10).all()


@pytest.mark.parametrize("slope", [-0.3, 0.2])
def test_shearing_is_that_of_pillow(slope):
    image = smooth(2)
    # Pillow maps from the result to the source, from the corner of the first pixel.
    x = (1, -slope, slope * 20, 0, 1, 0)
    y = (1, 0, 0, -slope, 1, slope * 20)
    for axis, matrix in ((1, x), (0, y)):
        expected = Image.fromarray(image).transform(
            (40, 40), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        found = geometry.shear(image, slope, axis=axis)
        assert distance(found[INNER], np.asarray(expected)[INNER]) <= 2


def test_shifting_moves_pixels_and_leaves_gray():
    image = noise(3)
    right = geometry.translate(image, 3, axis=1)
    assert np.array_equal(right[:, 3:], image[:, :-3]) and (right[:, :3] == 128).all()
    up = geometry.translate(image, -2, axis=0)
    assert np.array_equal(up[:-2], image[2:]) and (up[-2:] == 128).all()


@given(image=TINY_IMAGES)
def test_moving_by_nothing_changes_nothing(image):
    assert np.array_equal(geometry.rotate(image, 0, is_mirrored=True), image)
    assert np.array_equal(geometry.rotate(image, 0, is_mirrored=False), image)
    for axis in (0, 1):
        assert np.array_equal(geometry.shear(image, 0, axis=axis), image)
        assert np.array_equal(geometry.translate(image, 0, axis=axis), image)


@given(image=TINY_IMAGES, degrees=st.floats(-180, 180))
def test_any_image_can_be_turned(image, degrees):
    for is_mirrored in (False, True):
        turned = geometry.rotate(image, degrees, is_mirrored=is_mirrored)
        assert turned.dtype == np.uint8 and turned.shape == image.shape


@given(size=st.integers(1, 64), share=UNIT, center=st.tuples(UNIT, UNIT))
def test_a_square_is_around_its_center_where_the_image_does_not_end(
    size, share, center
):
    left, top, right, bottom = geometry.square_box(size, share, center)
    side = round(share * size)
    for start, end, place in ((left, right, center[0]), (top, bottom, center[1])):
        assert start >= 0 and end <= size and end - start <= side
        if start > 0 and end < size:
            assert end - start == side
            assert abs((start + end) / 2 - place * size) <= 0.5


def test_a_hole_is_gray_and_the_rest_stays():
    image = noise(4, 32, 32)
    found = geometry.cut_out(image, 0.25, (0.5, 0.75))
    expected = image.copy()
    expected[20:28, 12:20] = 128
    assert np.array_equal(found, expected)
    assert np.array_equal(geometry.cut_out(image, 0, (0.5, 0.5)), image)
    assert (geometry.cut_out(image, 1, (0.5, 0.5)) == 128).all()
    quarter = geometry.cut_out(np.zeros_like(image), 0.5, (0, 0))  # over the corner
    assert (quarter == 128).all(-1).sum() == 8 * 8
