"""The figures of an inspection are those that NumPy finds, and copies are found."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from drawings import draw, encode
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from data_pipelines import DataError, Example, Source, from_folder, prepare
from data_pipelines.inspection.class_sheet import MAX_CLASSES, class_sheet
from data_pipelines.inspection.inspect import inspect
from data_pipelines.inspection.likeness import describe, find_nearest
from data_pipelines.inspection.picking import pick_across, pick_evenly


def make_source(items, num_classes=2):
    """Returns a source of (name, label, split, bytes)."""
    examples = tuple(
        Example(name, label, data.__bytes__, split)
        for name, label, split, data in items
    )
    names = tuple(f"class {label}" for label in range(num_classes))
    return Source("test", "here", names, examples, "0" * 64)


def png(image):
    return encode(image, "PNG")


def colored(color):
    return png(Image.new("RGB", (50, 30), color))


def test_figures_are_those_of_numpy(folder):
    seen = []
    found = inspect(from_folder(folder), progress=lambda *done: seen.append(done))
    files = sorted(folder.glob("*/*"))
    images = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    flat = np.concatenate([image.reshape(-1, 3) for image in images]).astype(float)
    np.testing.assert_allclose(found.channel_means, flat.mean(0), rtol=1e-9)
    np.testing.assert_allclose(found.channel_stds, flat.std(0), rtol=1e-9)
    heights, widths = np.array([image.shape[:2] for image in images]).T
    for spread, values in (
        (found.height, heights),
        (found.width, widths),
        (found.aspect, widths / heights),
    ):
        values = values.min(), np.median(values), values.max()
        assert dataclasses.astuple(spread) == pytest.approx(values)
    gray = [np.ptp(image.astype(int), axis=2).max() == 0 for image in images]
    assert found.gray_share == pytest.approx(np.mean(gray))
    assert found.num_images == len(files) == 120
    assert found.num_bytes == sum(file.stat().st_size for file in files)
    kinds = {"JPEG": len(list(folder.glob("*/*.jpg")))}
    assert found.formats == {**kinds, "PNG": 120 - kinds["JPEG"]}
    assert found.class_totals == (40, 40, 40)
    assert found.imbalance == 1
    assert seen == [(done, 120) for done in range(1, 121)]


def test_gray_needs_all_three_channels_equal():
    colors = [(9, 9, 9), (9, 9, 8), (8, 9, 9), (9, 8, 9)]
    items = [
        (f"{split} {i}", i % 2, split, colored(color))
        for split in ("train", "test")
        for i, color in enumerate(colors)
    ]
    assert inspect(make_source(items)).gray_share == 0.25


def test_splits_are_those_that_prepare_makes(folder, manifest):
    before, after = inspect(from_folder(folder)), inspect(manifest)
    for found in (before, after):
        assert found.class_counts == {
            split: manifest.class_counts(split) for split in manifest.splits
        }
    assert (before.is_split_by_source, after.is_split_by_source) == (False, True)
    assert after.class_names == manifest.class_names
    assert after.channel_means == pytest.approx(before.channel_means)


def test_a_source_that_comes_split_keeps_its_splits():
    items = [
        (f"{split} {i}", i % 2, split, png(draw(100 * j + i)))
        for j, (split, count) in enumerate((("train", 6), ("test", 4)))
        for i in range(count)
    ]
    found = inspect(make_source(items))
    assert found.is_split_by_source
    assert found.class_counts == {"train": (3, 3), "validation": (0, 0), "test": (2, 2)}
    assert found.findings() == ()


def test_equal_bytes_are_found_across_classes_and_splits():
    images = [png(draw(seed)) for seed in range(4)]
    items = [
        ("a", 0, "train", images[0]),
        ("b", 1, "train", images[0]),
        ("c", 0, "train", images[1]),
        ("d", 0, "test", images[1]),
        ("e", 1, "train", images[2]),
        ("f", 1, "test", images[3]),
    ]
    found = inspect(make_source(items))
    conflict, leak = found.duplicates
    assert conflict.names == ("a", "b")
    assert conflict.class_names == ("class 0", "class 1")
    assert (conflict.is_conflict, conflict.is_leak) == (True, False)
    assert leak.names == ("c", "d")
    assert leak.splits == ("train", "test")
    assert (leak.is_conflict, leak.is_leak) == (False, True)
    assert found.near_duplicates == ()  # equal bytes are told once
    assert found.findings() == (
        "groups of images with the same bytes: 2",
        "such groups filed under several classes: 1",
        "such groups in several splits: 1",
    )


CHANGES = {
    "saved again": lambda image: encode(image, "JPEG", quality=50),
    "half the size": lambda image: png(image.reduce(2)),
    "squeezed": lambda image: png(image.resize((64, 64))),
    "brighter": lambda image: png(ImageEnhance.Brightness(image).enhance(1.1)),
    "without colors": lambda image: png(image.convert("L")),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("split", ["validation", "test"])
def test_changed_copies_are_found_and_others_are_not(change, split):
    images = [draw(seed, 160, 192) for seed in range(30)]
    items = [(f"{i}", i % 2, "train", png(image)) for i, image in enumerate(images)]
    items += [("copy", 1, split, CHANGES[change](images[8]))]
    items += [(f"new {i}", i % 2, split, png(draw(99 + i))) for i in range(20)]
    found = inspect(make_source(items))
    (pair,) = found.near_duplicates
    assert pair.names == ("copy", "8")
    assert pair.splits == (split, "train")
    assert pair.is_leak
    assert pair.is_conflict
    assert pair.correlation == pytest.approx(1, abs=0.01)
    assert "held-out images that look like one of another split: 1" in found.findings()


def test_look_alikes_in_one_split_are_no_finding():
    image = draw(3, 160, 192)
    items = [
        ("a", 0, "train", png(image)),
        ("b", 0, "train", encode(image, "JPEG")),
        ("c", 1, "train", png(draw(4))),
        ("d", 1, "test", png(draw(5))),
    ]
    assert inspect(make_source(items)).near_duplicates == ()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_nearest_is_that_of_all_correlations(num_queries, num_others, seed):
    random = np.random.default_rng(seed)
    left = random.integers(0, 256, (num_queries, 64), np.uint8)
    right = random.integers(0, 256, (num_others, 64), np.uint8)
    nearest, best = find_nearest([*map(bytes, left)], [*map(bytes, right)])
    every = np.corrcoef(left, right)[:num_queries, num_queries:]
    np.testing.assert_allclose(best, every.max(axis=1), atol=1e-5)
    rows = np.arange(num_queries)
    np.testing.assert_allclose(every[rows, nearest], every.max(axis=1), atol=1e-5)


def test_nearest_is_found_in_any_block():
    random = np.random.default_rng(0)
    others = [*map(bytes, random.integers(0, 256, (40_000, 64), np.uint8))]
    wanted = random.integers(0, len(others), 700)
    nearest, best = find_nearest([others[i] for i in wanted], others)
    np.testing.assert_array_equal(nearest, wanted)
    np.testing.assert_allclose(best, 1, atol=1e-5)


def test_pictures_of_one_color_look_like_none():
    white = describe(np.full((20, 30, 3), 255, np.uint8))
    gray = describe(np.full((9, 9, 3), 128, np.uint8))
    _, best = find_nearest([white, gray], [gray, describe(np.asarray(draw(0)))])
    np.testing.assert_array_equal(best, 0)


def test_bad_files_are_listed_and_not_counted():
    items = [(f"{i}", i % 2, None, png(draw(i))) for i in range(20)]
    items.insert(7, ("cut", 0, None, png(draw(50))[:99]))
    items.insert(3, ("text", 1, None, b"hello world"))
    found = inspect(make_source(items))
    assert found.num_images == 20
    assert [line.split(":")[0] for line in found.bad] == ["text", "cut"]
    assert found.findings()[0] == "files that are no good images: 2"


def test_no_good_image_is_an_error():
    with pytest.raises(DataError, match="here: no good image; a: not an image"):
        inspect(make_source([("a", 0, None, b"hello")]))


def test_uneven_and_empty_classes_are_findings():
    items = [
        (f"{label} {i}", label, split, png(draw(100 * label + 10 * j + i)))
        for j, split in enumerate(("train", "test"))
        for label, count in ((0, 9), (1, 3))
        for i in range(count if split == "train" or label == 0 else 0)
    ]
    found = inspect(make_source(items))
    assert found.imbalance == 6
    assert found.findings() == (
        "classes without test image: class 1",
        "uneven classes: 3 to 18 images",
    )
    without = inspect(make_source(items, num_classes=3))
    assert without.imbalance is None
    assert "uneven classes: 0 to 18 images" in without.findings()


def test_figures_are_json(manifest):
    found = inspect(manifest)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["num_images"] == 120
    assert values["class_names"] == ["a", "b", "c"]
    assert values["width"]["minimum"] == found.width.minimum
    assert values["findings"] == list(found.findings())


def test_damaged_shards_are_an_error(folder, tmp_path):
    shards = prepare(from_folder(folder), tmp_path / "shards")
    shard = shards.shard_paths("train")[0]
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(DataError, match=shard.name):
        inspect(shards)


def test_tensorflow_is_not_needed(folder):
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from data_pipelines import from_folder\n"
        "from data_pipelines.inspection.inspect import inspect\n"
        f"print(inspect(from_folder({str(folder)!r})).num_images)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "120", done.stderr


@pytest.mark.parametrize("per_class", [1, 7, 100])
def test_picks_are_spread_over_each_class(folder, per_class):
    source = from_folder(folder)
    for label, picked in pick_evenly(source, per_class).items():
        group = [example for example in source.examples if example.label == label]
        places = [group.index(example) for example in picked]
        assert len(places) == min(per_class, 40)
        gaps = np.diff([*places, places[0] + 40])
        assert gaps.min() >= 40 // len(places)
        assert gaps.max() <= -(-40 // len(places))


def test_no_class_is_picked_again_before_all_are(folder):
    source = from_folder(folder)
    picks = [pick_across(source, 8, seed) for seed in range(20)]
    for picked in picks:
        labels = [example.label for example in picked]
        assert sorted(labels[:3]) == sorted(labels[3:6]) == [0, 1, 2]
        assert len({example.name for example in picked}) == 8
    assert pick_across(source, 8, 5) == picks[5]
    assert len({tuple(e.name for e in picked) for picked in picks}) == 20
    assert len(pick_across(source, 1000, 0)) == 120


def test_sheet_shows_each_class_in_its_row():
    colors = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
    items = [
        (f"{label} {i}", label, None, colored(color))
        for label, color in enumerate(colors)
        for i in range(label + 1)
    ]
    items.append(("bad", 0, None, b"hello"))
    sheet = np.asarray(class_sheet(make_source(items, 3), num_columns=4, cell_size=40))
    for label, color in enumerate(colors):
        rows, columns = np.nonzero((sheet == color).all(axis=2))
        assert len(rows) == (label + 1) * 40 * 40
        assert np.ptp(rows) == 39  # all in one row
        assert rows.min() >= label * 40
        title = sheet[rows.min() : rows.max(), : columns.min()]
        assert title.min() == 0  # black letters beside the pictures


def test_sheet_says_how_many_classes_it_leaves_out():
    num_classes = MAX_CLASSES + 7
    items = [
        (f"{label}", label, None, colored((label, 0, 99)))
        for label in range(num_classes)
    ]
    source = make_source(items, num_classes)
    whole = class_sheet(make_source(items[:MAX_CLASSES], MAX_CLASSES), cell_size=40)
    cut = class_sheet(source, cell_size=40)
    assert cut.width == whole.width
    assert 0 < cut.height - whole.height < 40
    assert np.asarray(cut)[whole.height :].min() < 128  # a line of text


@pytest.mark.parametrize("name", ["x" * 300, "two\nlines", "\udcff", ""])
def test_sheet_takes_any_class_name(name):
    items = [(f"{i}", i, None, colored((i, 0, 0))) for i in range(2)]
    source = dataclasses.replace(make_source(items), class_names=(name, "other"))
    sheet = class_sheet(source, num_columns=3, cell_size=40)
    assert sheet.width < 500
