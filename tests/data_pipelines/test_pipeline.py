"""Pipelines: every example counted once, static shapes, order and pixels by seed."""

import numpy as np
import pytest
import tensorflow as tf
from drawings import draw, encode

from data_pipelines import (
    Augment,
    load_arrays,
    make_eval,
    make_predict,
    make_train,
    make_view,
)
from data_pipelines.errors import DataError
from data_pipelines.reader import read_split


def collect(dataset):
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def take(manifest, steps, batch_size=16, **options):
    options = {"image_size": 24, "seed": 5, **options}
    dataset = make_train(manifest, batch_size=batch_size, **options)
    return collect(dataset.take(steps))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_evaluation_sees_every_example_once_in_stored_order(manifest, split):
    dataset = make_eval(manifest, split=split, image_size=24, batch_size=7)
    images, labels = collect(dataset)
    assert np.array_equal(labels, read_split(manifest, split).labels)
    assert images.shape == (manifest.num_examples(split), 24, 24, 3)
    assert images.dtype == np.uint8 and labels.dtype == np.int32
    assert len(np.unique(images, axis=0)) == len(images)
    expected, _ = load_arrays(manifest, split, 24)
    assert np.abs(images.astype(int) - expected).mean() < 2


def test_training_batches_have_static_shapes_and_never_end(manifest):
    dataset = make_train(manifest, image_size=24, batch_size=500, seed=0)
    images, labels = dataset.element_spec
    assert images == tf.TensorSpec((500, 24, 24, 3), tf.uint8)
    assert labels == tf.TensorSpec((500,), tf.int32)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    assert next(iter(dataset))[0].shape[0] == 500  # more than there are examples


def test_every_epoch_has_each_example_once_in_another_order(manifest):
    num_examples = manifest.num_examples("train")
    stored, _ = load_arrays(manifest, "train", 24)
    images, labels = take(manifest, 3 * num_examples, batch_size=1, augment=None)
    epochs = images.reshape(3, num_examples, -1).astype(int)
    distances = np.abs(
        epochs[:, :, None, ::9] - stored.reshape(num_examples, -1)[:, ::9]
    )
    orders = distances.mean(axis=-1).argmin(axis=-1)
    for order in orders:
        assert sorted(order) == list(range(num_examples))
    assert len({tuple(order) for order in orders}) == 3
    expected = read_split(manifest, "train").labels[orders.ravel()]
    assert np.array_equal(labels, expected)


def test_equal_seeds_give_equal_batches_and_others_do_not(manifest):
    first, labels = take(manifest, 6, augment=Augment(saturation=(0, 2)))
    again, labels_again = take(manifest, 6, augment=Augment(saturation=(0, 2)))
    assert np.array_equal(first, again) and np.array_equal(labels, labels_again)
    other, _ = take(manifest, 6, augment=Augment(saturation=(0, 2)), seed=6)
    assert not np.array_equal(first, other)


def test_a_stream_can_start_at_any_step(manifest):
    images, labels = take(manifest, 12)  # more than one epoch
    for step in (1, 7, 11):
        later, later_labels = take(manifest, 12 - step, start_step=step)
        assert np.array_equal(later, images[step * 16 :])
        assert np.array_equal(later_labels, labels[step * 16 :])


def test_an_example_is_augmented_anew_in_every_epoch(manifest):
    num_examples = manifest.num_examples("train")
    images, _ = take(manifest, 2 * num_examples, batch_size=1)
    assert len(np.unique(images, axis=0)) == 2 * num_examples


def view(manifest, number, batch_size=16, augment=Augment(), seed=1):  # noqa: B008
    return collect(
        make_view(
            manifest,
            split="train",
            image_size=24,
            batch_size=batch_size,
            seed=seed,
            view=number,
            augment=augment,
        )
    )


def test_views_keep_stored_order_and_depend_on_seed_and_number_alone(manifest):
    stored = read_split(manifest, "train").labels
    plain, labels = view(manifest, 0)
    expected, _ = collect(
        make_eval(manifest, split="train", image_size=24, batch_size=9)
    )
    assert np.array_equal(plain, expected) and np.array_equal(labels, stored)
    one, labels = view(manifest, 1)
    assert np.array_equal(labels, stored)
    assert np.array_equal(one, view(manifest, 1, batch_size=5)[0])
    others = [plain, view(manifest, 2)[0], view(manifest, 1, seed=2)[0]]
    assert not any(np.array_equal(one, other) for other in others)


def test_prediction_takes_files_and_bytes_of_any_kind_in_order(folder):
    paths = sorted((folder / "a").iterdir())[:5]
    items = [*paths, str(paths[0]), encode(draw(0).convert("RGBA"), "PNG")]
    batches = list(make_predict(items, image_size=24, batch_size=3))
    assert [batch.shape[0] for batch in batches] == [3, 3, 1]
    images = np.concatenate(batches)
    assert images.dtype == np.uint8 and images.shape == (7, 24, 24, 3)
    assert np.array_equal(images[0], images[5])


def test_bad_arguments_are_one_line(manifest, tmp_path):
    with pytest.raises(DataError, match="image_size must be >= 1"):
        make_train(manifest, image_size=0, batch_size=4, seed=0)
    with pytest.raises(DataError, match="batch_size must be >= 1"):
        make_eval(manifest, split="test", image_size=8, batch_size=0)
    with pytest.raises(DataError, match="no split 'dev'; there are train, valid"):
        make_eval(manifest, split="dev", image_size=8, batch_size=1)
    with pytest.raises(DataError, match="no images given"):
        make_predict([], image_size=8, batch_size=1)
    with pytest.raises(DataError, match=r"absent.jpg: cannot be read"):
        make_predict([tmp_path / "absent.jpg"], image_size=8, batch_size=1)
    with pytest.raises(DataError, match="image 1: not an image"):
        make_predict([encode(draw(0), "PNG"), b"text"], image_size=8, batch_size=1)
