"""tf.data pipelines: the batches of `batches`, with static shapes, on N replicas."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from drawings import draw, encode

from data_pipelines import (
    Augment,
    TrainBatches,
    ViewBatches,
    make_eval,
    make_predict,
    make_train,
    make_view,
)
from data_pipelines.errors import DataError

SCRIPT = Path(__file__).parents[1] / "scripts" / "count_on_replicas.py"


def equal(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def same(dataset, batches):
    found = list(dataset.as_numpy_iterator())
    expected = list(batches)
    return len(found) == len(expected) and all(map(equal, found, expected))


@pytest.mark.parametrize("start_step", [0, 1, 11])
@pytest.mark.parametrize("policy", [None, Augment(), Augment(cutmix=1.0)])
def test_training_gives_the_same_batches_as_without_tensorflow(
    manifest, policy, start_step
):
    options = {"image_size": 24, "batch_size": 16, "seed": 5, "augment": policy}
    dataset = make_train(manifest, start_step=start_step, **options)
    batches = TrainBatches(manifest, **options)
    steps = range(start_step, start_step + 8)
    assert same(dataset.take(8), (batches[step] for step in steps))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_evaluation_gives_the_same_batches_as_without_tensorflow(manifest, split):
    options = {"split": split, "image_size": 24, "batch_size": 7}
    dataset = make_eval(manifest, **options)
    assert same(dataset, ViewBatches(manifest, **options))
    assert dataset.cardinality() == -(-manifest.num_examples(split) // 7)
    assert same(dataset, dataset.as_numpy_iterator())  # and once more


def test_views_give_the_same_batches_as_without_tensorflow(manifest):
    options = {"image_size": 24, "batch_size": 7, "seed": 3, "view": 2}
    options |= {"split": "test", "augment": Augment()}
    assert same(make_view(manifest, **options), ViewBatches(manifest, **options))


def test_training_batches_have_static_shapes_and_never_end(manifest):
    dataset = make_train(manifest, image_size=24, batch_size=500, seed=0)
    assert dataset.element_spec == (
        tf.TensorSpec((500, 24, 24, 3), tf.uint8),
        tf.TensorSpec((500,), tf.int32),
    )
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    assert next(iter(dataset))[0].shape[0] == 500  # more than there are examples


def test_mixed_labels_have_a_static_shape(manifest):
    policy = Augment(mixup=0.2)
    dataset = make_train(manifest, image_size=24, batch_size=4, seed=0, augment=policy)
    assert dataset.element_spec[1] == tf.TensorSpec((4, 3), tf.float32)


def test_1_2_and_4_replicas_count_every_example_once(manifest):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(manifest.directory)],
        env=os.environ | {"PYTHONPATH": str(Path.cwd()), "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    test = ViewBatches(manifest, "test", image_size=8, batch_size=1000)
    # The sum of its pixels tells an example from the others.
    expected = sorted(test[0][0].sum(axis=(1, 2, 3), dtype=int).tolist())
    assert len(set(expected)) == len(expected)
    for num_replicas, found in json.loads(done.stdout.splitlines()[-1]).items():
        assert found["seen"] == expected, num_replicas
        count = int(num_replicas)
        assert found["train_rows"] == [16 // count] * count


def test_prediction_keeps_the_order_of_files_and_bytes(manifest, folder, tmp_path):
    files = sorted(folder.rglob("*.jpg"))[:5]
    gif = tmp_path / "x.gif"
    draw(9).save(gif)
    items = [*files, files[0].read_bytes(), gif]
    dataset = make_predict(items, image_size=24, batch_size=3)
    images = np.concatenate(list(dataset.as_numpy_iterator()))
    assert images.dtype == np.uint8 and images.shape == (7, 24, 24, 3)
    assert np.array_equal(images[0], images[5])


def test_bad_arguments_are_one_line(manifest, tmp_path):
    with pytest.raises(DataError, match="image_size must be >= 1"):
        make_train(manifest, image_size=0, batch_size=4, seed=0)
    with pytest.raises(DataError, match="start_step must be >= 0; got -1"):
        make_train(manifest, image_size=8, batch_size=4, seed=0, start_step=-1)
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
