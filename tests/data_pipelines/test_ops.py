"""TensorFlow's image operations against their Pillow and NumPy references."""

import numpy as np
import pytest
import tensorflow as tf
from drawings import draw, encode
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines import Augment, ops
from data_pipelines.augment import augment_image, crop_box
from data_pipelines.errors import DataError
from data_pipelines.images import decode_rgb
from data_pipelines.resize import crop_resize, fill_resize_center_crop

SIZES = [(40, 48, 32), (48, 40, 32), (33, 90, 32), (20, 15, 32), (200, 300, 32)]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_decoding_gives_three_channels_of_the_same_pixels(kind, mode):
    data = encode(draw(0).convert(mode), kind)
    pixels = ops.decode(tf.constant(data)).numpy()
    expected = np.asarray(decode_rgb(data, "x"))
    assert pixels.dtype == np.uint8 and pixels.shape == expected.shape
    # Decoders of JPEG may differ in the last bits; of PNG they may not.
    limit = 8 if kind == "JPEG" else 0
    assert np.abs(pixels.astype(int) - expected).max() <= limit


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_the_center_is_that_of_pillow_within_one_level(height, width, size):
    image = draw(1, height, width)
    found = ops.center_image(tf.constant(np.asarray(image)), size)
    expected = np.asarray(fill_resize_center_crop(image, size))
    assert found.shape == expected.shape == (size, size, 3)
    assert np.abs(found.numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("box", [(0, 0, 20, 30), (5, 7, 48, 40), (10, 3, 11, 4)])
def test_a_crop_is_that_of_pillow_within_one_level(box):
    image = draw(2)
    left, top, right, bottom = box
    pixels = tf.constant(np.asarray(image))
    found = ops.crop_resize(pixels, (left, top, right - left, bottom - top), 24)
    expected = np.asarray(crop_resize(image, box, 24)).astype(int)
    assert np.abs(found.numpy() - expected).max() <= 1


def test_antialiasing_averages_what_is_thrown_away():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    from PIL import Image

    small = fill_resize_center_crop(Image.fromarray(stripes), 8, antialias=True)
    assert np.abs(np.asarray(small).astype(int) - 100).max() <= 4


UNIT = st.floats(0, 1, exclude_max=True, width=32)


@given(
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    uniforms=st.tuples(UNIT, UNIT, UNIT, UNIT),
)
def test_crops_lie_inside_and_agree_between_the_two(height, width, uniforms):
    augment = Augment(crop_scale=(0.1, 1.0))
    left, top, right, bottom = crop_box(height, width, uniforms, augment)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    found = ops.crop_box(
        tf.constant([height, width, 3]), tf.constant(uniforms), augment
    )
    x, y, box_width, box_height = (int(value) for value in found)
    assert 0 <= x < x + box_width <= width and 0 <= y < y + box_height <= height
    expected = (left, top, right - left, bottom - top)
    # float32 against float64 may round to the next pixel.
    assert np.abs(np.subtract((x, y, box_width, box_height), expected)).max() <= 1


def test_crops_have_the_areas_and_ratios_that_were_asked_for():
    augment = Augment(crop_scale=(0.3, 0.6), crop_ratio=(0.8, 1.25))
    rng = np.random.default_rng(0)
    for _ in range(200):
        left, top, right, bottom = crop_box(400, 400, tuple(rng.random(4)), augment)
        area = (right - left) * (bottom - top) / 400**2
        assert 0.295 < area < 0.605
        assert 0.79 < (right - left) / (bottom - top) < 1.26


def augmented(augment, count=64):
    pixels = tf.constant(np.asarray(draw(3, 32, 32)))
    return np.stack(
        [
            ops.augment_image(pixels, 32, augment, tf.constant([7, i], tf.int64))
            for i in range(count)
        ]
    )


def test_augmentation_is_a_pure_function_of_the_seed():
    augment = Augment(saturation=(0, 2))
    first = augmented(augment, 8)
    assert np.array_equal(first, augmented(augment, 8))
    assert len({image.tobytes() for image in first}) == 8


def test_flips_happen_about_every_second_time_and_only_mirror():
    plain = np.asarray(draw(3, 32, 32))
    images = augmented(Augment(crop_scale=None))
    flipped = sum(np.array_equal(image, plain[:, ::-1]) for image in images)
    kept = sum(np.array_equal(image, plain) for image in images)
    assert flipped + kept == 64 and 16 < flipped < 48


def test_no_operation_changes_nothing():
    images = augmented(Augment(flip=False, crop_scale=None), 3)
    assert (images == np.asarray(draw(3, 32, 32))).all()


def test_saturation_zero_is_gray_and_one_is_unchanged():
    policy = {"flip": False, "crop_scale": None}
    gray = augmented(Augment(**policy, saturation=(0, 0)), 2)
    assert np.ptp(gray.astype(int), axis=-1).max() <= 1
    same = augmented(Augment(**policy, saturation=(1, 1)), 2).astype(int)
    assert np.abs(same - np.asarray(draw(3, 32, 32))).max() <= 1


def test_pillow_augments_in_the_same_way():
    image, rng = draw(3, 32, 32), np.random.default_rng(0)
    plain = np.asarray(image)
    policy = Augment(crop_scale=None)
    images = [np.asarray(augment_image(image, 32, policy, rng)) for _ in range(64)]
    flipped = sum(np.array_equal(found, plain[:, ::-1]) for found in images)
    kept = sum(np.array_equal(found, plain) for found in images)
    assert flipped + kept == 64 and 16 < flipped < 48
    cropped = augment_image(image, 20, Augment(), rng)
    assert cropped.size == (20, 20)


@pytest.mark.parametrize(
    "policy",
    [
        {"crop_scale": (0, 1)},
        {"crop_scale": (0.5, 1.5)},
        {"crop_scale": (0.8, 0.5)},
        {"crop_ratio": (0, 1)},
        {"saturation": (-1, 2)},
    ],
)
def test_impossible_policies_are_refused(policy):
    (name,) = policy
    with pytest.raises(DataError, match=f"augment {name} must be"):
        Augment(**policy)


def test_a_policy_survives_json():
    import dataclasses
    import json

    policy = Augment(saturation=(0, 2))
    assert Augment(**json.loads(json.dumps(dataclasses.asdict(policy)))) == policy
