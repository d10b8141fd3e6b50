"""Whole splits as arrays, without TensorFlow: same images as stored, views pure."""

import subprocess
import sys

import numpy as np
import pytest

from data_pipelines import Augment, as_arrays, read_images
from data_pipelines.errors import DataError
from data_pipelines.shards.reader import Table


def test_arrays_hold_every_example_in_stored_order(folder, manifest):
    images, labels = as_arrays(manifest, "test", 24)
    table = Table(manifest, "test")
    assert images.shape == (len(table), 24, 24, 3)
    assert images.dtype == np.uint8 and labels.dtype == np.int32
    assert np.array_equal(labels, table.labels)
    expected = read_images([folder / name for name in table.names], 24)
    assert np.array_equal(images, expected)


def test_views_depend_on_seed_and_number_alone(manifest):
    def load(seed, view):
        arrays = as_arrays(
            manifest, "test", 24, seed=seed, view=view, augment=Augment()
        )
        return arrays[0]

    assert np.array_equal(load(3, 0), as_arrays(manifest, "test", 24)[0])
    assert np.array_equal(load(3, 1), load(3, 1))
    views = [load(3, 0), load(3, 1), load(3, 2), load(4, 1)]
    assert len({images.tobytes() for images in views}) == 4


def test_color_operations_work(manifest):
    policy = Augment(flip=False, crop_scale=None, saturation=(0, 0))
    images, _ = as_arrays(manifest, "test", 24, view=1, augment=policy)
    assert np.ptp(images, axis=-1).max() <= 1  # gray


def test_bad_arguments_are_one_line(manifest):
    with pytest.raises(DataError, match="image_size must be >= 1"):
        as_arrays(manifest, "test", 0)
    with pytest.raises(DataError, match="no split 'dev'"):
        as_arrays(manifest, "dev", 8)


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # importing them fails
import data_pipelines as dp
manifest = dp.prepare(dp.from_folder(sys.argv[1]), sys.argv[2])
dp.verify(manifest)
images, labels = dp.as_arrays(manifest, "train", 16, view=1, augment=dp.Augment())
print(len(images) == manifest.num_examples("train"))
"""


def test_all_but_tf_data_works_where_tensorflow_is_absent(folder, tmp_path):
    command = [
        sys.executable,
        "-c",
        WITHOUT_TENSORFLOW,
        str(folder),
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr
