"""Whole policies on one image: references, purity, independence, edge cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from samples import TINY_IMAGES, distance, noise, smooth

from data_pipelines.augment import (
    Augment,
    augment_image,
    color,
    filters,
    geometry,
    num_draws,
    tables,
)
from data_pipelines.errors import DataError

PLAIN = {"flip": False, "crop_scale": None}
# Each operation on its own, as strong as it gets in practice.
SETTINGS = {
    "flip": True,
    "crop_scale": (0.2, 0.8),
    "rotation": 45.0,
    "hue": 0.5,
    "saturation": (0.0, 2.0),
    "contrast": (0.2, 2.0),
    "brightness": (0.2, 2.0),
    "darken": 1.0,
    "lighten": 1.0,
    "color_jitter": (0.5, 1.5),
    "color_shift": 60.0,
    "invert": 1.0,
    "blur": 1.0,
    "sharpen": 1.0,
    "rand_augment_ops": 3,
    "cutout": 0.5,
}
POLICIES = {name: Augment(**{**PLAIN, name: value}) for name, value in SETTINGS.items()}
POLICIES["all"] = Augment(**SETTINGS)


def draws_for(augment, seed=0):
    return np.random.default_rng(seed).random(num_draws(augment))


def augmented(augment, image, size, seed=0):
    return augment_image(image, size, augment, draws_for(augment, seed))


@pytest.mark.parametrize("name", POLICIES)
def test_the_result_is_a_pure_function_of_the_arguments(name):
    image, policy = smooth(0, 40, 50), POLICIES[name]
    before = image.copy()
    first = [augmented(policy, image, 32, seed) for seed in range(8)]
    again = [augmented(policy, image, 32, seed) for seed in range(8)]
    assert np.array_equal(first, again) and np.array_equal(image, before)
    kinds = len({found.tobytes() for found in first})
    assert kinds == (2 if name == "flip" else 1 if name == "invert" else 8)


@pytest.mark.parametrize("name", POLICIES)
def test_the_result_can_be_written_into_a_batch(name):
    image, policy = smooth(1, 40, 50), POLICIES[name]
    batch = np.zeros((3, 32, 32, 3), np.uint8)
    found = augment_image(image, 32, policy, draws_for(policy), out=batch[1])
    assert found.base is batch
    assert np.array_equal(batch[1], augmented(policy, image, 32))
    assert not batch[0].any() and not batch[2].any()


@pytest.mark.parametrize("name", POLICIES)
@given(image=TINY_IMAGES, size=st.integers(1, 5), draw=st.sampled_from([0, 0.5, 1]))
def test_any_image_and_size_and_the_ends_of_the_draws_will_do(name, image, size, draw):
    policy = POLICIES[name]
    found = augment_image(image, size, policy, np.full(num_draws(policy), float(draw)))
    assert found.dtype == np.uint8 and found.shape == (size, size, 3)


@pytest.mark.parametrize("name", sorted(POLICIES.keys() - {"all"}))
def test_gray_images_stay_gray_where_channels_are_treated_alike(name):
    gray = np.repeat(smooth(2)[..., :1], 3, axis=-1)
    spread = np.ptp(augmented(POLICIES[name], gray, 32).astype(int), axis=-1).max()
    assert spread > 1 if name in ("color_jitter", "color_shift") else spread <= 1


def test_no_operation_is_the_center_crop():
    image = smooth(3, 40, 60)
    expected = image[:, 10:50]
    assert np.array_equal(augmented(Augment(**PLAIN), image, 40), expected)


def test_the_crop_is_that_of_pillow():
    image, policy = smooth(4, 50, 60), Augment(flip=False)
    for seed in range(5):
        draws = draws_for(policy, seed)
        left, top, width, height = geometry.crop_box(50, 60, draws[:4], policy)
        box = (left, top, left + width, top + height)
        # Enlarged: reduced, Pillow averages.
        expected = Image.fromarray(image).resize(
            (64, 64), Image.Resampling.BILINEAR, box
        )
        inner = np.s_[2:-2, 2:-2]  # Pillow looks at pixels around the box
        found = augment_image(image, 64, policy, draws)
        assert distance(found[inner], np.asarray(expected)[inner]) <= 1


def test_flips_happen_about_every_second_time_and_only_mirror():
    image = smooth(5)
    images = [
        augmented(Augment(crop_scale=None), image, 40, seed) for seed in range(200)
    ]
    flipped = sum(np.array_equal(found, image[:, ::-1]) for found in images)
    kept = sum(np.array_equal(found, image) for found in images)
    assert flipped + kept == 200 and 70 < flipped < 130


def unchanged(**settings):
    image = noise(6, 16, 16)
    return np.array_equal(augmented(Augment(**PLAIN, **settings), image, 16), image)


def test_settings_that_mean_no_change_change_nothing():
    for name in ("saturation", "contrast", "brightness", "color_jitter"):
        assert unchanged(**{name: (1, 1)}), name
    assert unchanged(rand_augment_ops=0, rand_augment_magnitude=10)


@pytest.mark.parametrize("name", ["darken", "lighten", "invert", "blur", "sharpen"])
def test_a_probability_is_how_often_it_happens(name):
    policy, image = Augment(**PLAIN, **{name: 0.3}), noise(7, 8, 8)
    changed = sum(
        not np.array_equal(augmented(policy, image, 8, seed), image)
        for seed in range(400)
    )
    assert 80 < changed < 160


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("rotation", lambda x, u: geometry.rotate(x, 90 * u - 45, is_mirrored=True)),
        ("hue", lambda x, u: color.adjust_hsv(x, u - 0.5, 1)),
        ("saturation", lambda x, u: color.adjust_hsv(x, 0, 2 * u)),
        ("contrast", lambda x, u: stretched(x, 0.2 + 1.8 * u, tables.mean_gray(x))),
        ("brightness", lambda x, u: stretched(x, 0.2 + 1.8 * u, 0)),
        ("darken", lambda x, u: stretched(x, 0.5 + 0.5 * u, 0)),
        ("lighten", lambda x, u: stretched(x, 0.5 + 0.5 * u, 255)),
        ("color_jitter", lambda x, u: stretched(x, 0.5 + u, 0)),
        ("color_shift", lambda x, u: np.clip(x + np.rint(120 * u - 60), 0, 255)),
        ("invert", lambda x, u: 255 - x),
        ("blur", lambda x, u: filters.blur(x, 0.1 + 1.9 * u)),
        ("sharpen", lambda x, u: filters.sharpen(x, 1 + 2 * u)),
        ("cutout", lambda x, u: geometry.cut_out(x, 0.5, (u, u))),
    ],
)
@pytest.mark.parametrize("uniform", [0.0, 0.25, 0.9])
def test_the_draws_run_over_the_range_that_was_asked_for(name, wanted, uniform):
    image, policy = noise(8, 16, 16), POLICIES[name]
    draws = np.full(num_draws(policy), uniform)
    assert np.array_equal(
        augment_image(image, 16, policy, draws), wanted(image, uniform)
    )


def stretched(image, factor, anchor):
    return tables.apply(image, tables.stretch(tables.LEVELS, factor, anchor))


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - {"rand_augment_ops"}))
def test_an_operation_does_the_same_whatever_else_is_on(name):
    """Others are turned on in a way that changes nothing: only draws could differ."""
    ones = dict.fromkeys(
        ("saturation", "contrast", "brightness", "color_jitter"), (1, 1)
    )
    tiny = dict.fromkeys(("hue", "color_shift", "cutout"), 1e-9)
    image = smooth(9)
    alone = POLICIES[name]
    among = Augment(**{**PLAIN, **ones, **tiny, name: SETTINGS[name]})
    assert num_draws(among) == num_draws(alone)
    assert distance(augmented(alone, image, 32), augmented(among, image, 32)) <= 1


def test_no_two_operations_take_the_same_draw():
    image, taken = smooth(10), []
    for name, value in SETTINGS.items():
        is_chance = isinstance(value, float) and value == 1  # whether, is drawn too
        policy = Augment(**{**PLAIN, name: 0.5 if is_chance else value})
        draws = np.full(num_draws(policy), 0.25)
        before = augment_image(image, 32, policy, draws)
        for index in range(len(draws)):
            other = draws.copy()
            other[index] = 0.8
            if not np.array_equal(augment_image(image, 32, policy, other), before):
                taken.append(index)
    assert sorted(taken) == list(range(num_draws(Augment(rand_augment_ops=3))))


def test_rand_augment_takes_its_draws_after_all_others():
    two, three = (Augment(rand_augment_ops=number) for number in (2, 3))
    assert num_draws(three) > num_draws(two) > num_draws(Augment())


def test_a_wrong_number_of_draws_is_refused():
    with pytest.raises(DataError, match=r"^draws must have shape .*got \(3,\)$"):
        augment_image(noise(0), 8, Augment(), np.zeros(3))
