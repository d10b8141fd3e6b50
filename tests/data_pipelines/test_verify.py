"""Verification: what was written passes, every change of it is found and placed."""

import dataclasses
import json
import shutil

import pytest

from data_pipelines import load_manifest, verify
from data_pipelines.errors import DataError
from data_pipelines.manifest import save_manifest
from data_pipelines.records import frame_record, read_records
from data_pipelines.schema import decode_example, encode_example

SHARD = "test-00000-of-00004.tfrec"


@pytest.fixture
def shards(manifest, tmp_path):
    return shutil.copytree(manifest.directory, tmp_path / "shards")


def rewrite(directory, change):
    """Changes every record of one shard; framing, checksums and manifest fit it."""
    path = directory / SHARD
    records = [decode_example(data) for _, data in read_records(path)]
    changed = b"".join(frame_record(encode_example(change(r))) for r in records)
    path.write_bytes(changed)
    return records


def test_what_was_written_passes(manifest, shards):
    assert verify(shards) == load_manifest(shards)
    assert verify(manifest) is manifest


def test_every_cut_and_every_changed_byte_is_found(shards):
    path = shards / SHARD
    content = path.read_bytes()
    for position in range(0, len(content), 499):
        path.write_bytes(content[:position])
        with pytest.raises(DataError, match=SHARD):
            verify(shards)
        changed = bytearray(content)
        changed[position] ^= 4
        path.write_bytes(changed)
        with pytest.raises(DataError, match=rf"{SHARD}: record \d+ at byte \d+"):
            verify(shards)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 3}, r"class 3; allowed are 0..2"),
        ({"label": -1}, r"class -1; allowed"),
        ({"class_name": "z"}, "is called 'z'; the manifest says"),
        ({"image": b"GIF89a"}, "neither JPEG nor PNG"),
        ({"height": 0}, "of 0 x"),
        ({"height": 10**6, "width": 10**6}, "pixels"),
    ],
)
def test_a_record_that_lies_is_placed(shards, change, message):
    rewrite(shards, lambda record: dataclasses.replace(record, **change))
    with pytest.raises(DataError, match=f"{SHARD}: record 0 at byte 0: .*{message}"):
        verify(shards)


def test_records_that_were_exchanged_are_found(shards):
    rewrite(shards, lambda record: dataclasses.replace(record, name=record.name + "x"))
    with pytest.raises(DataError, match=f"{SHARD}: (num_bytes|sha256) is"):
        verify(shards)


def test_a_record_that_is_there_twice_is_found(shards):
    path = shards / SHARD
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match="is there twice"):
        verify(shards)


def test_a_missing_shard_is_named(shards):
    (shards / SHARD).unlink()
    with pytest.raises(DataError, match=f"{SHARD}: No such file"):
        verify(shards)


def test_counts_that_do_not_fit_are_found(shards):
    manifest = load_manifest(shards)
    test = manifest.splits["test"]
    counts = tuple(reversed([test.class_counts[0] + 1, *test.class_counts[1:]]))
    wrong = dataclasses.replace(test, class_counts=counts)
    splits = {**manifest.splits, "test": wrong}
    save_manifest(dataclasses.replace(manifest, splits=splits))
    with pytest.raises(DataError, match="examples per class; the manifest says"):
        verify(shards)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        (None, "No such file"),
    ],
)
def test_a_damaged_manifest_is_one_line(shards, text, message):
    path = shards / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        verify(shards)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda content: content.pop("class_names"), "class_names"),
        (lambda content: content.update(more=1), "more"),
        (lambda content: content.update(schema_version=99), "schema version 99"),
        (
            lambda content: content["splits"]["test"]["shards"][0].update(file="../x"),
            "not a plain file name",
        ),
    ],
)
def test_a_manifest_that_does_not_fit_is_one_line(shards, edit, message):
    path = shards / "manifest.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        verify(shards)
