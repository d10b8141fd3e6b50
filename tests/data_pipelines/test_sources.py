"""Sources: class order, what is ignored, and one clear line for what is wrong."""

import os

import numpy as np
import pytest
from drawings import draw, make_folder

from data_pipelines import from_arrays, from_folder
from data_pipelines.errors import DataError
from data_pipelines.images import decode_rgb, normalize


def test_classes_are_sorted_and_images_may_lie_deeper(tmp_path):
    make_folder(tmp_path, {"tulips": 2, "daisy": 2})
    (tmp_path / "daisy" / "2024" / "may").mkdir(parents=True)
    draw(9).save(tmp_path / "daisy" / "2024" / "may" / "x.JPG", "JPEG")
    source = from_folder(tmp_path)
    assert source.class_names == ("daisy", "tulips")
    assert [(example.name, example.label) for example in source.examples] == [
        ("daisy/000.png", 0),
        ("daisy/001.jpg", 0),
        ("daisy/2024/may/x.JPG", 0),
        ("tulips/000.png", 1),
        ("tulips/001.jpg", 1),
    ]
    for example in source.examples:
        assert example.read() == (tmp_path / example.name).read_bytes()


def test_what_systems_leave_behind_is_ignored(tmp_path):
    make_folder(tmp_path, {"a": 2, "b": 2})
    expected = [example.name for example in from_folder(tmp_path).examples]
    for name in ("a/.DS_Store", "a/Thumbs.db", "b/desktop.ini", "LICENSE.txt"):
        (tmp_path / name).write_text("x")
    for name in (".git", "__MACOSX", "a/.cache"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_text("x")
    source = from_folder(tmp_path)
    assert [example.name for example in source.examples] == expected
    assert source.class_names == ("a", "b")


def test_the_fingerprint_follows_every_change_and_nothing_else(tmp_path):
    make_folder(tmp_path, {"a": 2, "b": 2})
    first = from_folder(tmp_path).fingerprint
    assert from_folder(tmp_path).fingerprint == first
    file = tmp_path / "a" / "000.png"
    os.utime(file, ns=(0, 0))
    touched = from_folder(tmp_path).fingerprint
    file.rename(tmp_path / "a" / "zzz.png")
    renamed = from_folder(tmp_path).fingerprint
    (tmp_path / "empty").mkdir()
    assert len({first, touched, renamed, from_folder(tmp_path).fingerprint}) == 4


def test_folders_that_are_no_data_set_are_one_clear_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "a").mkdir(parents=True)
    (tmp_path / "file.jpg").write_text("x")
    make_folder(tmp_path / "one", {"only": 3})
    expected = {
        "absent": "does not exist",
        "file.jpg": "is a file",
        "empty": "no image found",
        "hollow": "no image found",
        "one": "only one class folder, 'only'",
    }
    for name, message in expected.items():
        with pytest.raises(DataError, match=message) as caught:
            from_folder(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(6, 5, 4), (6, 5, 4, 1), (6, 5, 4, 3)])
def test_arrays_come_back_as_they_were(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    source = from_arrays(images, np.array([0, 1, 2, 0, 1, 2]), ("x", "y", "z"))
    for i, example in enumerate(source.examples):
        image = normalize(example.read(), example.name)
        pixels = np.asarray(decode_rgb(image.data, example.name))
        expected = np.broadcast_to(images[i].reshape(5, 4, -1), (5, 4, 3))
        assert np.array_equal(pixels, expected)
        assert example.label == i % 3


def test_array_fingerprints_follow_pixels_labels_and_names():
    images = np.zeros((4, 3, 3), np.uint8)
    labels = np.array([0, 1, 0, 1])
    other = images.copy()
    other[3, 2, 2] = 1
    sources = [
        from_arrays(images, labels, "ab"),
        from_arrays(other, labels, "ab"),
        from_arrays(images, 1 - labels, "ab"),
        from_arrays(images, labels, "ba"),
    ]
    assert len({source.fingerprint for source in sources}) == 4


@pytest.mark.parametrize(
    ("images", "labels", "names", "message"),
    [
        (np.zeros((2, 4, 4, 3)), [0, 1], "ab", "must be uint8"),
        (np.zeros((2, 4, 4, 4), np.uint8), [0, 1], "ab", "must be uint8"),
        (np.zeros((0, 4, 4), np.uint8), [], "ab", "empty"),
        (np.zeros((2, 4, 4), np.uint8), [0], "ab", "labels must be 2 integers"),
        (np.zeros((2, 4, 4), np.uint8), [0.0, 1.0], "ab", "integers"),
        (np.zeros((2, 4, 4), np.uint8), [0, 2], "ab", r"0..1 .* got 0..2"),
        (np.zeros((2, 4, 4), np.uint8), [0, -1], "ab", "got -1..0"),
        (np.zeros((2, 4, 4), np.uint8), [0, 0], "a", "2 or more"),
        (np.zeros((2, 4, 4), np.uint8), [0, 1], "aa", "different"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, labels, names, message):
    with pytest.raises(DataError, match=message):
        from_arrays(images, np.asarray(labels), names)
