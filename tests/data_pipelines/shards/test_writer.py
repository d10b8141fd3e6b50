"""Writing shards: whole or not at all, the same twice, nothing lost, nothing twice."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import draw, encode, make_folder

from data_pipelines import (
    Example,
    Fractions,
    Source,
    from_arrays,
    from_folder,
    load_manifest,
    prepare,
)
from data_pipelines.errors import DataError
from data_pipelines.shards.records import read_records
from data_pipelines.shards.schema import decode_example
from data_pipelines.shards.splits import split_of


def read_all(manifest):
    return {
        split: [
            decode_example(data)
            for path in manifest.shard_paths(split)
            for _, data in read_records(path)
        ]
        for split in manifest.splits
    }


def test_every_example_is_stored_once_where_its_content_says(folder, manifest):
    stored = read_all(manifest)
    names = [record.name for records in stored.values() for record in records]
    assert sorted(names) == [example.name for example in from_folder(folder).examples]
    for split, records in stored.items():
        for record in records:
            content = (folder / record.name).read_bytes()
            assert record.image == content
            assert split_of(hashlib.sha256(content).digest()) == split
            assert record.class_name == record.name.split("/")[0]
            assert manifest.class_names[record.label] == record.class_name
        labels = [record.label for record in records]
        counts = tuple(np.bincount(labels, minlength=3))
        assert counts == manifest.class_counts(split)
        assert len(records) == manifest.num_examples(split)


def test_the_manifest_says_what_is_in_every_file(manifest):
    assert len(manifest.shard_paths("train")) == 16
    for split, content in manifest.splits.items():
        for number, shard in enumerate(content.shards):
            total = len(content.shards)
            assert shard.file == f"{split}-{number:05}-of-{total:05}.tfrec"
            data = (manifest.directory / shard.file).read_bytes()
            assert len(data) == shard.num_bytes
            assert hashlib.sha256(data).hexdigest() == shard.sha256
    files = {shard.file for s in manifest.splits.values() for shard in s.shards}
    assert {path.name for path in manifest.directory.iterdir()} == {
        *files,
        "manifest.json",
    }
    assert load_manifest(manifest.directory) == manifest


def test_classes_are_mixed_in_stored_order(manifest):
    labels = [record.label for record in read_all(manifest)["train"]]
    changes = np.count_nonzero(np.diff(labels))
    assert changes > len(labels) / 3


def test_the_same_source_gives_the_same_bytes(folder, manifest, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")  # other times of change
    again = prepare(from_folder(copy), tmp_path / "out")
    assert again.splits == manifest.splits
    assert again.content_sha256 == manifest.content_sha256


def test_shards_of_the_same_source_and_settings_are_used_again(folder, tmp_path):
    first = prepare(from_folder(folder), tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in first.directory.iterdir()}
    assert prepare(from_folder(folder), tmp_path / "out") == first
    assert times == {
        path: path.stat().st_mtime_ns for path in first.directory.iterdir()
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"image_size": 16},
        {"short_side": 16},
        {"quality": 50},
        {"fractions": Fractions(0.2, 0.2)},
        {"skip_bad": True},
    ],
)
def test_other_settings_do_not_overwrite(folder, manifest, settings):
    with pytest.raises(
        DataError, match=f"other data or settings.*{next(iter(settings))}"
    ):
        prepare(from_folder(folder), manifest.directory, **settings)


def test_other_data_does_not_overwrite(folder, manifest, tmp_path):
    other = from_folder(make_folder(tmp_path / "in", {"a": 20, "b": 20}))
    with pytest.raises(DataError, match="other data or settings"):
        prepare(other, manifest.directory)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="not overwritten"):
        prepare(other, tmp_path / "notes")


def test_adding_files_moves_no_other(tmp_path):
    make_folder(tmp_path / "in", {"a": 30, "b": 30})
    before = read_all(prepare(from_folder(tmp_path / "in"), tmp_path / "1"))
    for seed in range(20):
        draw(1000 + seed).save(tmp_path / "in" / "a" / f"-{seed}.png")
    after = read_all(prepare(from_folder(tmp_path / "in"), tmp_path / "2"))
    for split, records in before.items():
        assert {r.name for r in records} <= {r.name for r in after[split]}


def test_duplicates_stay_together_and_are_reported(tmp_path):
    root = make_folder(tmp_path / "in", {"a": 30, "b": 30})
    for index in range(10):
        name = sorted(path.name for path in (root / "a").iterdir())[index]
        shutil.copy(root / "a" / name, root / "b" / f"copy-{name}")
    manifest = prepare(from_folder(root), tmp_path / "out")
    assert len(manifest.duplicates) == 10
    assert all(group.is_conflict for group in manifest.duplicates)
    homes = {r.name: split for split, rs in read_all(manifest).items() for r in rs}
    for group in manifest.duplicates:
        assert len({homes[name] for name in group.names}) == 1


def test_what_comes_split_stays_so_and_leaks_are_told(tmp_path):
    def example(number, split, name=None):
        data = encode(draw(number, 12, 12), "PNG")
        return Example(name or f"{number:02}", number % 2, lambda: data, split)

    parts = [example(number, "train") for number in range(40)]
    parts += [example(number, "test") for number in range(40, 50)]
    parts += [example(number, "test", f"copy-{number}") for number in (7, 8)]
    source = Source("test", "drawn", ("a", "b"), tuple(parts), "2" * 64)
    manifest = prepare(source, tmp_path / "out")
    stored = read_all(manifest)
    assert {record.name for record in stored["test"]} == {
        *(f"{number}" for number in range(40, 50)),
        "copy-7",
        "copy-8",
    }
    assert [group.is_leak for group in manifest.duplicates] == [True, True]
    assert load_manifest(manifest.directory) == manifest
    (note,) = [note for note in manifest.notes if "several splits" in note]
    assert "2 times, first as 07 and copy-7" in note


def test_bad_images_are_one_line_and_nothing_is_left(tmp_path):
    root = make_folder(tmp_path / "in", {"a": 20, "b": 20})
    (root / "a" / "0.jpg").write_bytes(b"")
    (root / "a" / "readme.txt").write_text("hello")
    (root / "b" / "0.jpg").write_bytes((root / "b" / "001.jpg").read_bytes()[:200])
    with pytest.raises(DataError) as caught:
        prepare(from_folder(root), tmp_path / "out")
    message = str(caught.value)
    assert message.startswith("a/0.jpg: empty file (0 bytes) (and 2 more bad files)")
    assert "skip_bad" in message and "\n" not in message
    assert list(tmp_path.iterdir()) == [root]
    manifest = prepare(from_folder(root), tmp_path / "out", skip_bad=True)
    assert [line.split(":")[0] for line in manifest.skipped] == [
        "a/0.jpg",
        "a/readme.txt",
        "b/0.jpg",
    ]
    assert sum(map(manifest.num_examples, manifest.splits)) == 40


def test_a_class_with_one_image_is_refused_and_nothing_is_left(tmp_path):
    make_folder(tmp_path / "in", {"a": 20, "lonely": 1})
    with pytest.raises(DataError, match="class 'lonely' has 1 images"):
        prepare(from_folder(tmp_path / "in"), tmp_path / "deep" / "out")
    assert not list((tmp_path / "deep").iterdir())


def test_a_split_may_be_empty(tmp_path):
    images = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4)
    source = from_arrays(images, np.arange(20) % 2, ("even", "odd"))
    manifest = prepare(source, tmp_path / "out", fractions=Fractions(0.0, 0.0))
    assert manifest.num_examples("train") == 20
    assert manifest.num_examples("test") == 0 == len(manifest.shard_paths("test"))
    assert manifest.notes == (
        "there are no validation images",
        "there are no test images",
    )


def test_progress_counts_to_the_end(folder, tmp_path):
    calls = []
    prepare(from_folder(folder), tmp_path / "out", progress=lambda *c: calls.append(c))
    assert calls == [(done, 120) for done in range(1, 121)]


FULL_DISK = """
import resource, sys
from data_pipelines import (DataError, from_folder, prepare)
source = from_folder(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    prepare(source, sys.argv[2])
except DataError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_is_one_line_and_nothing_is_left(folder, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", FULL_DISK, str(folder), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"cannot write {out}: File too large\n", done.stderr
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_one_line(folder, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"cannot write .*Not a directory"):
        prepare(from_folder(folder), tmp_path / "file" / "out")


def test_real_flowers_are_split_whole(tmp_path):
    if not os.environ.get("KERASTPU_DATA"):
        pytest.skip("KERASTPU_DATA is not set")
    root = Path(os.environ["KERASTPU_DATA"]) / "flowers"
    manifest = prepare(from_folder(root), tmp_path / "out")
    assert sum(map(manifest.num_examples, manifest.splits)) == 3870
    assert abs(manifest.num_examples("test") / 3870 - 0.2) < 0.02
