"""Arrays in a file are the same source as arrays in memory; other files are refused."""

import numpy as np
import pytest

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
        ({"images": IMAGES}, "no array 'labels'; it holds images"),
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
