"""Sources: class order, what is ignored, and one clear line for what is wrong."""

import os

import numpy as np
import pytest
from drawings import draw, make_folder

from data_pipelines import from_arrays, from_folder
from data_pipelines.errors import DataError
from data_pipelines.images.normalize import decode_rgb, normalize


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


def add_image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(seed, 4, 4).save(path, "PNG")


def test_numbers_before_class_names_give_the_order_and_go(tmp_path):
    # Caltech-256's way of naming; 3 sorts after 20 and 100 as text.
    for folder in ("100.hawksbill-101", "003.backpack", "20-t-shirt"):
        add_image(tmp_path / folder / "x.png")
    source = from_folder(tmp_path)
    assert source.class_names == ("backpack", "t-shirt", "hawksbill-101")
    assert [(example.name, example.label) for example in source.examples] == [
        ("003.backpack/x.png", 0),
        ("20-t-shirt/x.png", 1),
        ("100.hawksbill-101/x.png", 2),
    ]
    assert "numbered" in source.notes[0]


@pytest.mark.parametrize(
    "folders",
    [
        ("001.cat", "dog"),  # not all are numbered
        ("1_year", "2_year"),  # the rest is the same
        ("2024-05", "2024-06"),  # dates
        ("2024-05", "2025-06"),
        ("1_cat", "1_dog"),  # the same number
        ("7", "42"),
    ],
)
def test_numbers_that_are_part_of_the_name_stay(tmp_path, folders):
    for folder in folders:
        add_image(tmp_path / folder / "x.png")
    source = from_folder(tmp_path)
    assert source.class_names == tuple(sorted(folders))
    assert not source.notes


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train", "test"), ("train", "test")),
        (("Training", "dev", "Testing"), ("train", "validation", "test")),
        (("train", "val"), ("train", "validation")),
        (("train", "valid", "test"), ("train", "validation", "test")),
    ],
)
def test_a_folder_that_comes_split_keeps_its_splits(tmp_path, folders, splits):
    for folder in folders:
        for class_folder in ("2_daisy", "1_tulips"):
            for index in range(2):
                add_image(tmp_path / folder / class_folder / f"{index}.png")
    source = from_folder(tmp_path)
    assert source.class_names == ("tulips", "daisy")
    found = {example.name: example.split for example in source.examples}
    assert len(found) == len(source.examples) == 4 * len(folders)
    for name, split in found.items():
        assert split == splits[folders.index(name.split("/")[0])]
    (tmp_path / folders[1]).rename(tmp_path / "test_images")
    with pytest.raises(DataError, match="no image lies directly in a class folder"):
        from_folder(tmp_path)  # now they are classes, and no image is in them


def test_splits_must_have_the_same_classes(tmp_path):
    for name in ("train/a", "train/b", "test/a", "test/b"):
        add_image(tmp_path / name / "x.png")
    assert len(from_folder(tmp_path).examples) == 4
    add_image(tmp_path / "test" / "c" / "x.png")
    with pytest.raises(DataError, match=r"test has a class folder 'c', train has none"):
        from_folder(tmp_path)
    add_image(tmp_path / "train" / "c" / "x.png")
    add_image(tmp_path / "train" / "d" / "x.png")
    with pytest.raises(DataError, match=r"train has a class folder 'd', test has none"):
        from_folder(tmp_path)
    add_image(tmp_path / "training" / "a" / "x.png")
    with pytest.raises(DataError, match="train and training both mean train"):
        from_folder(tmp_path)


def test_the_folder_above_or_below_the_right_one_is_told(tmp_path):
    for name in ("flowers/daisy", "flowers/roses", "pets/cat", "pets/dog"):
        add_image(tmp_path / "sets" / name / "x.png")
    with pytest.raises(DataError, match=r"no image lies directly .*such as .*flowers"):
        from_folder(tmp_path / "sets")
    with pytest.raises(DataError, match="files but no class folder"):
        from_folder(tmp_path / "sets" / "pets" / "cat")
    with pytest.raises(DataError, match=r"only one class folder, 'sets'; .*did you"):
        from_folder(tmp_path)


def test_linked_folders_and_loops_do_no_harm(tmp_path):
    for name in ("a", "b"):
        add_image(tmp_path / "set" / name / "x.png")
    (tmp_path / "set" / "a" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "c").symlink_to(tmp_path / "set" / "c")
    add_image(tmp_path / "elsewhere" / "y.png")
    (tmp_path / "set" / "d").symlink_to(tmp_path / "elsewhere")
    source = from_folder(tmp_path / "set")
    names = [example.name for example in source.examples]
    assert names == ["a/x.png", "b/x.png", "d/y.png"]


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
