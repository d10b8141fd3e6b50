"""Batches by number: exact order, any start, hosts, cache; no TensorFlow needed."""

import dataclasses
import shutil

import numpy as np
import pytest

from data_pipelines import Augment, TrainBatches, ViewBatches
from data_pipelines.batches import in_threads
from data_pipelines.errors import DataError
from data_pipelines.order import epoch_order
from data_pipelines.shards.reader import Table

SIZE = 24


def train(manifest, batch_size=16, seed=5, **options):
    return TrainBatches(
        manifest, image_size=SIZE, batch_size=batch_size, seed=seed, **options
    )


def view(manifest, split="train", batch_size=16, **options):
    return ViewBatches(
        manifest, split, image_size=SIZE, batch_size=batch_size, **options
    )


def join(batches):
    images, labels = zip(*batches, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def equal(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def stored(manifest):
    """Center crops and labels of the training split, in stored order."""
    return join(view(manifest))


@pytest.mark.parametrize("window", [None, 30])
def test_every_epoch_has_each_example_once_in_its_order(manifest, stored, window):
    count = len(stored[1])
    batches = train(manifest, count, augment=None, window=window)
    for epoch in range(3):
        order = epoch_order(count, 5, epoch, window)
        assert equal(batches[epoch], (stored[0][order], stored[1][order]))


def test_batches_follow_one_another_over_the_ends_of_epochs(manifest):
    count = manifest.num_examples("train")
    whole = join(train(manifest, 1)[step] for step in range(3 * count))
    parts = join(train(manifest, 7)[step] for step in range(3 * count // 7))
    assert equal((side[: len(parts[1])] for side in whole), parts)


def test_a_batch_is_a_function_of_seed_and_step(manifest):
    policy = Augment(saturation=(0, 2), brightness=(0.5, 1.5), rotation=30.0)
    first, again = (train(manifest, augment=policy) for _ in range(2))
    backwards = {step: again[step] for step in reversed(range(12))}
    assert all(equal(first[step], backwards[step]) for step in range(12))
    assert not equal(first[3], train(manifest, seed=6, augment=policy)[3])


def test_threads_change_nothing(manifest):
    batches = train(manifest)
    found = list(in_threads(batches, range(3, 20)))
    assert all(equal(batches[3 + i], batch) for i, batch in enumerate(found))


def test_an_example_is_augmented_anew_in_every_epoch(manifest):
    count = manifest.num_examples("train")
    images, _ = join(train(manifest, count)[epoch] for epoch in range(2))
    assert len(np.unique(images, axis=0)) == 2 * count


@pytest.mark.parametrize("num_hosts", [2, 4])
def test_hosts_take_parts_that_together_are_the_batch(manifest, num_hosts):
    hosts = [train(manifest, host=(n, num_hosts)) for n in range(num_hosts)]
    assert all(equal(join(host[step] for host in hosts), train(manifest)[step])
               for step in (0, 5, 11))  # fmt: skip


@pytest.mark.parametrize("num_hosts", [2, 3, 7])
def test_hosts_evaluate_every_example_once(manifest, num_hosts):
    hosts = [
        batch
        for n in range(num_hosts)
        for batch in view(manifest, "test", 5, host=(n, num_hosts))
    ]
    assert equal(join(hosts), join(view(manifest, "test")))


@pytest.mark.parametrize("cache_bytes", [10**9, 40_000])
def test_a_cache_changes_no_pixel(manifest, cache_bytes):
    cached, plain = train(manifest, cache_bytes=cache_bytes), train(manifest)
    for step in range(14):  # two epochs
        assert equal(cached[step], plain[step])


def test_mixed_labels_are_distributions_of_the_same_examples(manifest):
    mixed = train(manifest, augment=Augment(mixup=0.4))
    images, labels = mixed[2]
    assert images.dtype == np.uint8 and labels.dtype == np.float32
    assert labels.shape == (16, 3) == (16, *mixed.label_shape)
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    assert equal(mixed[2], train(manifest, augment=Augment(mixup=0.4))[2])
    plain = train(manifest)[2][1]
    assert (labels[np.arange(16), plain] > 0).all()


def test_views_are_a_function_of_seed_view_and_position(manifest):
    policy = Augment()

    def at(number, batch_size=16, seed=1):
        return join(
            view(manifest, "train", batch_size, seed=seed, view=number, augment=policy)
        )

    assert equal(at(2), at(2, batch_size=5))
    assert np.array_equal(at(0)[0], join(view(manifest))[0])
    assert not np.array_equal(at(1)[0], at(2)[0])
    assert not np.array_equal(at(1)[0], at(1, seed=2)[0])


def test_steps_outside_a_split_are_refused(manifest):
    batches = view(manifest, "test", 4)
    assert len(batches) == -(-manifest.num_examples("test") // 4)
    with pytest.raises(IndexError):
        batches[len(batches)]
    with pytest.raises(IndexError):
        batches[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be >= 1; got 0"),
        ({"seed": -1}, "seed must be >= 0; got -1"),
        ({"window": 0}, "window must be >= 1"),
        ({"cache_bytes": -1}, "cache_bytes must be >= 0"),
        ({"host": (2, 2)}, r"host must be .*; got \(2, 2\)"),
        ({"host": (0, 3)}, "batch_size a multiple of hosts"),
    ],
)
def test_bad_arguments_are_one_line(manifest, options, message):
    with pytest.raises(DataError, match=message):
        train(manifest, **options)


def test_a_shard_cut_under_the_reader_is_told(manifest, tmp_path):
    folder = tmp_path / "shards"
    shutil.copytree(manifest.directory, folder)
    table = Table(dataclasses.replace(manifest, directory=folder), "test")
    whole = table.read(len(table) - 1)
    assert table.read(len(table) - 1) == whole
    last = sorted(folder.glob("test-*"))[-1]
    with last.open("r+b") as file:
        file.truncate(last.stat().st_size // 2)
    with pytest.raises(DataError, match="was cut while it was read"):
        table.read(len(table) - 1)


def test_a_split_that_does_not_hold_what_the_manifest_says_is_refused(manifest):
    test = manifest.splits["test"]
    more = dataclasses.replace(test.shards[0], count=test.shards[0].count + 1)
    split = dataclasses.replace(test, shards=(more, *test.shards[1:]))
    changed = dataclasses.replace(manifest, splits={**manifest.splits, "test": split})
    with pytest.raises(DataError, match="records; the manifest says"):
        Table(changed, "test")
    two = dataclasses.replace(manifest, class_names=manifest.class_names[:2])
    with pytest.raises(DataError, match=r"record at byte \d+: class 2; allowed are 0"):
        Table(two, "test")
