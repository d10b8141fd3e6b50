"""Mixup and cutmix: what is in the image is what the label says."""

import numpy as np
import pytest
from samples import distance

from data_pipelines.augment import Augment, mix_batch
from data_pipelines.errors import DataError

NUM = 12
LABELS = np.arange(NUM, dtype=np.int32)  # each image a class: labels name the parts


def flat_images(size=20):
    """Image i has the value 20 * i everywhere."""
    values = 20 * np.arange(NUM, dtype=np.uint8)
    return np.broadcast_to(values[:, None, None, None], (NUM, size, size, 3)).copy()


def mixed(augment, seed, images=None, labels=LABELS):
    images = flat_images() if images is None else images
    return mix_batch(images, labels, NUM, augment, np.random.default_rng(seed))


@pytest.mark.parametrize("augment", [Augment(mixup=1), Augment(cutmix=1)])
def test_labels_are_distributions_over_at_most_two_classes(augment):
    for seed in range(20):
        images, labels = mixed(augment, seed)
        assert images.shape == (NUM, 20, 20, 3) and images.dtype == np.uint8
        assert labels.shape == (NUM, NUM) and labels.dtype == np.float32
        assert (labels >= 0).all() and ((labels > 0).sum(1) <= 2).all()
        assert np.allclose(labels.sum(1), 1, atol=1e-6)


def test_mixup_blends_images_as_labels_say():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (NUM, 9, 9, 3), np.uint8)
    for seed in range(10):
        found, shares = mixed(Augment(mixup=1), seed, images)
        expected = np.einsum("ij,jhwc->ihwc", shares, images.astype(float))
        assert distance(found, expected) <= 0.51


def test_cutmix_pastes_the_area_that_labels_say():
    for seed in range(40):
        found, shares = mixed(Augment(cutmix=1), seed)
        for image, share in zip(found, shares, strict=True):
            area = [(image[..., 0] == 20 * label).mean() for label in LABELS]
            assert np.allclose(area, share, atol=1e-6)


def test_cutmix_pastes_one_square_where_it_was_in_the_other_image():
    rows = np.arange(20, dtype=np.uint8)
    places = np.stack(np.broadcast_arrays(rows[:, None], rows), -1)  # (y, x)
    images = np.concatenate(
        [np.broadcast_to(places, (NUM, 20, 20, 2)), flat_images()[..., :1]], axis=-1
    )
    found, shares = mixed(Augment(cutmix=1), 3, images)
    assert np.array_equal(found[..., :2], images[..., :2])
    (index, *_) = np.flatnonzero(shares.max(1) < 1)
    y, x = np.nonzero(found[index, ..., 2] != images[index, ..., 2])
    assert len(y) == (np.ptp(y) + 1) * (np.ptp(x) + 1)  # a filled rectangle


def test_a_batch_with_one_class_keeps_its_labels():
    same = np.full(NUM, 4, np.int32)
    for augment in (Augment(mixup=0.4), Augment(cutmix=0.4)):
        _, labels = mixed(augment, 1, labels=same)
        assert np.allclose(labels, np.eye(NUM)[same])


def test_weights_follow_the_beta_distribution():
    def weights(alpha):
        found = (mixed(Augment(mixup=alpha), seed)[1] for seed in range(400))
        # The largest share of any image: one weight for the batch, or 1 - weight.
        return np.array([np.median(labels.max(1)) for labels in found])

    assert weights(1.0).mean() == pytest.approx(0.75, abs=0.03)
    assert weights(0.1).mean() > 0.9 and weights(20.0).mean() < 0.6


def test_with_both_each_batch_gets_one_of_them():
    both = Augment(mixup=1, cutmix=1)
    pasted = 0
    for seed in range(200):
        images, _ = mixed(both, seed)
        pasted += any(len(np.unique(image)) > 1 for image in images)
    # A square may cover nothing or all, which looks like neither.
    assert 60 < pasted < 120


def test_mixing_is_pure_and_leaves_its_arguments_alone():
    for augment in (Augment(mixup=1), Augment(cutmix=1)):
        images = flat_images()
        first, again = mixed(augment, 5, images), mixed(augment, 5, images)
        assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
        assert np.array_equal(images, flat_images())


@pytest.mark.parametrize("augment", [Augment(mixup=1), Augment(cutmix=1)])
def test_the_smallest_batch_and_image_will_do(augment):
    images = np.full((1, 1, 1, 3), 7, np.uint8)
    rng = np.random.default_rng(0)
    found, labels = mix_batch(images, np.array([1]), 2, augment, rng)
    assert np.array_equal(found, images) and np.allclose(labels, [[0, 1]])


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(DataError, match="mixup or cutmix above 0"):
        mixed(Augment(), 0)
    for wrong in (-1, NUM):
        with pytest.raises(DataError, match=r"labels must be within 0\.\.11; got"):
            mixed(Augment(mixup=1), 0, labels=np.full(NUM, wrong))
