"""TensorFlow Datasets as a source: real files of its format, its own class order."""

import shutil
from collections import Counter

import numpy as np
import pytest
import tensorflow_datasets as tfds
from drawings import draw

from data_pipelines import from_tfds, open_source
from data_pipelines.errors import DataError
from data_pipelines.images.normalize import decode_rgb

NAMES = ["tulips", "daisy", "roses"]  # not sorted, on purpose


class TinyFlowers(tfds.core.GeneratorBasedBuilder):
    """Nine images in two splits."""

    VERSION = tfds.core.Version("1.0.0")
    image = tfds.features.Image(shape=(None, None, 3))
    label = tfds.features.ClassLabel(names=NAMES)

    def _info(self):
        features = {"image": self.image, "label": self.label}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate(0, 6), "test": self._generate(6, 9)}

    def _generate_examples(self, start, stop):
        for seed in range(start, stop):
            image = np.asarray(draw(seed))
            yield seed, {"image": image, "label": NAMES[seed % 3]}

    _generate = _generate_examples


class WithExtra(TinyFlowers):
    """A further split that is neither for training nor for test."""

    def _split_generators(self, dl_manager):
        return {"extra": self._generate(9, 12), **super()._split_generators(dl_manager)}


class OnlyTrain(TinyFlowers):
    """Not split."""

    def _split_generators(self, dl_manager):
        return {"train": self._generate(0, 9)}


class NoLabels(TinyFlowers):
    """The label is a number, not a class."""

    label = tfds.features.Scalar(np.int64)

    def _generate(self, start, stop):
        for key, example in self._generate_examples(start, stop):
            yield key, {**example, "label": 0}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    for builder in (TinyFlowers, WithExtra, OnlyTrain, NoLabels):
        builder(data_dir=root, file_format="tfrecord").download_and_prepare()
    return root


def test_images_and_names_come_as_the_dataset_has_them(data_dir):
    source = from_tfds("tiny_flowers", data_dir, download=False)
    assert source.class_names == tuple(NAMES)
    assert source.kind == "tfds" and source.name == "tiny_flowers/1.0.0"
    assert len({example.name for example in source.examples}) == 9
    found = {}
    for example in source.examples:
        pixels = np.asarray(decode_rgb(example.read(), example.name))
        found[pixels.tobytes()] = source.class_names[example.label]
    assert len(found) == 9
    for seed in range(9):
        assert found[np.asarray(draw(seed)).tobytes()] == NAMES[seed % 3]


def test_a_data_set_that_comes_split_keeps_its_test_images(data_dir):
    source = from_tfds("tiny_flowers", data_dir, download=False)
    assert Counter(e.split for e in source.examples) == {"train": 6, "test": 3}
    for example in source.examples:
        assert example.name.startswith(f"{example.split}/")
    source = from_tfds("only_train", data_dir, download=False)
    assert [example.split for example in source.examples] == [None] * 9


def test_splits_for_nothing_known_are_left_out_and_named(data_dir):
    source = from_tfds("with_extra", data_dir, download=False)
    assert Counter(e.split for e in source.examples) == {"train": 6, "test": 3}
    assert "'extra'" in source.notes[0] and "left out" in source.notes[0]


def test_the_fingerprint_is_the_same_every_time(data_dir, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    first = from_tfds("tiny_flowers", data_dir)
    for name in ("tfds:tiny_flowers", "tfds:tiny_flowers:1.0.0"):
        assert open_source(name, download=False).fingerprint == first.fingerprint


def test_what_is_no_image_classification_is_refused(data_dir):
    with pytest.raises(DataError, match="needs features `image` and `label`"):
        from_tfds("no_labels", data_dir, download=False)


def test_what_is_not_there_is_one_line(data_dir):
    with pytest.raises(DataError, match="tfds:absent is not in"):
        from_tfds("absent", data_dir, download=False)
    with pytest.raises(DataError, match="tfds:absent cannot be had"):
        from_tfds("absent", data_dir)
    with pytest.raises(DataError, match="is not in"):
        from_tfds("tiny_flowers:2.0.0", data_dir, download=False)


def test_damaged_files_are_one_line(data_dir, tmp_path):
    copy = shutil.copytree(data_dir, tmp_path / "copy")
    (record_file,) = (copy / "tiny_flowers" / "1.0.0").glob("*train.tfrecord*")
    record_file.write_bytes(record_file.read_bytes()[:-100])
    with pytest.raises(DataError, match="tfds:tiny_flowers: damaged"):
        from_tfds("tiny_flowers", copy, download=False)
