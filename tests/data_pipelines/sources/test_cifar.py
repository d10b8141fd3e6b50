"""CIFAR-10's binary version is read as its page describes it; nothing is unpickled."""

import pickle

import numpy as np
import pytest

from data_pipelines.errors import DataError
from data_pipelines.images.normalize import decode_rgb, normalize
from data_pipelines.sources.cifar import CLASS_NAMES, from_cifar_folder, refuse_pickles

FILES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 4, 32, 32, 3), np.uint8)  # four in each file
LABELS = RNG.permutation(np.arange(24) % 10).reshape(6, 4)


def encode(images, labels) -> bytes:
    """Records of a label and the red, the green and the blue plane."""
    return b"".join(
        bytes([label]) + b"".join(image[..., c].tobytes() for c in range(3))
        for image, label in zip(images, labels.tolist(), strict=True)
    )


@pytest.fixture
def folder(tmp_path):
    for name, images, labels in zip(FILES, IMAGES, LABELS, strict=True):
        (tmp_path / name).write_bytes(encode(images, labels))
    return tmp_path


def test_pixels_labels_and_splits_come_as_they_were_written(folder):
    source = from_cifar_folder(folder)
    assert source.class_names == CLASS_NAMES
    assert [example.label for example in source.examples] == LABELS.ravel().tolist()
    splits = [example.split for example in source.examples]
    assert splits == ["train"] * 20 + ["test"] * 4
    for example, expected in zip(
        source.examples, IMAGES.reshape(-1, 32, 32, 3), strict=True
    ):
        stored = normalize(example.read(), example.name)
        assert np.array_equal(decode_rgb(stored.data, example.name), expected)


def test_class_names_are_those_of_the_folder(folder):
    names = [f"class {i}" for i in range(10)]
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    assert from_cifar_folder(folder).class_names == tuple(names)
    (folder / "batches.meta.txt").write_text("cat\ndog\n")
    with pytest.raises(DataError, match=r"batches\.meta\.txt: expected 10 names"):
        from_cifar_folder(folder)


def test_missing_cut_and_wrong_files_are_one_line(folder):
    file = folder / "data_batch_3.bin"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"data_batch_3\.bin: 12,291 bytes"):
        from_cifar_folder(folder)
    file.write_bytes(whole[:3073] + b"\x0a" + whole[3074:])
    with pytest.raises(DataError, match=r"record 1 at byte 3073: label 10; .* 0\.\.9"):
        from_cifar_folder(folder)
    file.unlink()
    with pytest.raises(DataError, match=r"data_batch_3\.bin of CIFAR-10 is not there"):
        from_cifar_folder(folder)


def test_pickles_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": 0}))
    with pytest.raises(DataError, match=r"take the binary version, cifar-10-binary"):
        refuse_pickles(tmp_path)
