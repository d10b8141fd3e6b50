"""Arrays in a file are the same source as arrays in memory; other files are refused."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines import DataError, from_arrays, from_npz, open_source

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
NAMES = np.array(["ant", "bee", "fly"])


def test_file_is_the_same_source_as_its_arrays(tmp_path):
    path = tmp_path / "insects.npz"
    np.savez(path, images=IMAGES, labels=LABELS, class_names=NAMES)
    expected = from_arrays(IMAGES, LABELS, tuple(NAMES.tolist()))
    assert open_source(path).fingerprint == expected.fingerprint
    assert open_source(str(path)).class_names == ("ant", "bee", "fly")


def test_classes_without_names_are_called_by_their_numbers(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    assert from_npz(tmp_path / "a.npz").class_names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES}, "no array 'labels'; it holds 'images'"),
        ({}, "no array 'images'; it holds none"),
        ({"images": IMAGES / 255, "labels": LABELS}, "must be uint8"),
        ({"images": IMAGES, "labels": LABELS * 0.5}, "class_names|labels must be"),
        ({"images": IMAGES, "labels": np.array([None] * 6)}, "not plain arrays"),
    ],
)
def test_file_of_another_form_is_one_clear_line(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message) as error:
        from_npz(tmp_path / "a.npz")
    assert "a.npz" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"hello"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz"):
        from_npz(tmp_path / "a.npz")
    with pytest.raises(DataError, match="No such file"):
        from_npz(tmp_path / "b.npz")


def keras_layout(labels=LABELS):
    return {
        "x_train": IMAGES[:4],
        "y_train": labels[:4],
        "x_test": IMAGES[4:],
        "y_test": labels[4:],
    }


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None]])
def test_keras_layout_keeps_its_test_images(tmp_path, labels):
    np.savez(tmp_path / "a.npz", **keras_layout(labels))
    source = from_npz(tmp_path / "a.npz")
    expected = from_arrays(IMAGES, LABELS, "012", ["train"] * 4 + ["test"] * 2)
    assert source.fingerprint == expected.fingerprint
    assert [example.split for example in source.examples] == ["train"] * 4 + [
        "test"
    ] * 2
    named = from_npz(tmp_path / "a.npz", ["ant", "bee", "fly"])
    assert named.class_names == ("ant", "bee", "fly")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_test": IMAGES[4:, 1:]}, "images of several sizes"),
        ({"y_train": LABELS[:3]}, r"train must be .* int64 \(3,\)"),
        ({"x_train": IMAGES[:4] / 255}, "train must be images, uint8"),
        ({"y_test": np.array([0, 7])}, "only 6 images"),
        ({"y_test": np.array([0, 2**60])}, "only 6 images"),
    ],
)
def test_keras_layout_that_does_not_fit_is_one_line(tmp_path, change, message):
    np.savez(tmp_path / "a.npz", **(keras_layout() | change))
    with pytest.raises(DataError, match=message) as error:
        from_npz(tmp_path / "a.npz")
    assert "a.npz" in str(error.value)
    assert "\n" not in str(error.value)


def test_keras_layout_without_a_part_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS)
    with pytest.raises(DataError, match="no array 'x_test'"):
        from_npz(tmp_path / "a.npz")


def test_a_hostile_size_is_refused_before_memory_is_taken(tmp_path):
    header = io.BytesIO()
    claim = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)}
    np.lib.format.write_array_header_1_0(header, claim)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(100))
        archive.writestr("labels.npy", header.getvalue() + bytes(100))
    tracemalloc.start()
    with pytest.raises(DataError, match="but has 100 bytes"):
        from_npz(tmp_path / "a.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    np.savez_compressed(path, images=IMAGES, labels=LABELS, class_names=NAMES)
    return path, path.read_bytes()


@given(data=st.data())
def test_a_damaged_file_is_one_line_or_the_same_images(whole, data):
    path, content = whole
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(damaged) - 1))
        damaged[where] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        found = from_npz(path).examples
    except DataError as error:
        assert "\n" not in str(error)
    else:
        expected = from_arrays(IMAGES, LABELS, NAMES.tolist()).examples
        assert [e.read() for e in found] == [e.read() for e in expected]
