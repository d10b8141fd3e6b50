"""RandAugment's operations: references, ranges and how they are chosen."""

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from samples import TINY_IMAGES, distance, smooth

from data_pipelines.augment.rand_augment import OPERATIONS, apply_random

WITHOUT_STRENGTH = {"identity", "auto_contrast", "equalize"}
INNER = np.s_[12:-12, 12:-12]

# What Pillow does at full strength, in both directions: (forward, backward).
ENHANCED = {
    "color": ImageEnhance.Color,
    "contrast": ImageEnhance.Contrast,
    "brightness": ImageEnhance.Brightness,
    "sharpness": ImageEnhance.Sharpness,
}


def test_there_are_the_14_operations_of_the_paper():
    assert len(OPERATIONS) == 14
    geometric = {"rotate", "shear_x", "shear_y", "translate_x", "translate_y"}
    points = {"solarize", "posterize"}
    assert set(OPERATIONS) == WITHOUT_STRENGTH | geometric | points | set(ENHANCED)


@pytest.mark.parametrize("name", ENHANCED)
@pytest.mark.parametrize("strength", [-1.0, -0.5, 0.5, 1.0])
def test_enhancements_reach_from_a_tenth_to_nineteen_tenths(name, strength):
    image = smooth(0)
    enhancer = ENHANCED[name](Image.fromarray(image))
    expected = np.asarray(enhancer.enhance(1 + 0.9 * strength))
    assert distance(OPERATIONS[name](image, strength)[INNER], expected[INNER]) <= 2


def test_full_strength_of_the_others_is_the_end_of_their_range():
    image = smooth(1)
    picture = Image.fromarray(image)
    solarized = ImageOps.solarize(picture, 128)
    assert distance(OPERATIONS["solarize"](image, -0.5), solarized) == 0
    assert distance(OPERATIONS["solarize"](image, 1), ImageOps.invert(picture)) == 0
    posterized = ImageOps.posterize(picture, 4)
    assert distance(OPERATIONS["posterize"](image, 1), posterized) == 0
    turned = np.asarray(picture.rotate(-30, Image.Resampling.BILINEAR))
    assert distance(OPERATIONS["rotate"](image, -1)[INNER], turned[INNER]) <= 2


def test_shifts_reach_150_of_331_pixels_and_shears_three_tenths():
    image = smooth(2, 331, 331)
    shifted = OPERATIONS["translate_x"](image, 1)
    assert distance(shifted[:, 150:], image[:, :-150]) <= 1
    shifted = OPERATIONS["translate_y"](image, -1)
    assert distance(shifted[:-150], image[150:]) <= 1
    # 150 rows below the center, rows have moved by 0.3 x 150 pixels to the right.
    sheared = OPERATIONS["shear_x"](image, 1)
    assert distance(sheared[165 + 150, 45:], image[165 + 150, :-45]) <= 1
    sheared = OPERATIONS["shear_y"](image, -1)
    assert distance(sheared[:-45, 165 + 150], image[45:, 165 + 150]) <= 1


@given(image=TINY_IMAGES)
def test_no_strength_changes_nothing(image):
    for name in set(OPERATIONS) - {"auto_contrast", "equalize"}:
        assert np.array_equal(OPERATIONS[name](image, 0), image), name


@given(image=TINY_IMAGES, strength=st.floats(-1, 1))
def test_any_image_and_strength_will_do_and_gray_stays_gray(image, strength):
    gray = np.repeat(image[..., :1], 3, axis=-1)
    before = image.copy()
    for name, operation in OPERATIONS.items():
        found = operation(image, strength)
        assert found.dtype == np.uint8 and found.shape == image.shape, name
        # Rounding of the gray version may leave a level.
        assert np.ptp(operation(gray, strength).astype(int), -1).max() <= 1, name
    assert np.array_equal(image, before)


def test_every_operation_and_direction_is_as_likely_as_any_other():
    image = smooth(3) // 2 + 50  # auto-contrast has something to do
    results = {
        operation(image, sign * 0.8).tobytes(): name
        for name, operation in OPERATIONS.items()
        for sign in (1, -1)
    }
    rng = np.random.default_rng(0)
    found = collections.Counter(
        apply_random(image, 8.0, *rng.random(2)).tobytes() for _ in range(1400)
    )
    assert set(found) == set(results)
    counts = collections.Counter()
    for result, count in found.items():
        counts[results[result]] += count
    assert min(counts.values()) > 60 and max(counts.values()) < 145


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_the_ends_of_the_range_of_draws_will_do(edge):
    assert apply_random(smooth(4), 9.0, edge, edge).shape == (40, 40, 3)
