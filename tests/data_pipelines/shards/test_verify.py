"""Verification: what was written passes, every change of it is found and placed."""

import dataclasses
import json
import shutil
import struct

import pytest
from mutations import png_of

from data_pipelines import load_manifest, verify
from data_pipelines.errors import DataError
from data_pipelines.shards.manifest import save_manifest
from data_pipelines.shards.records import frame_record, masked_crc, read_records
from data_pipelines.shards.schema import decode_example, encode_example
from data_pipelines.shards.verify import verify_shards

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
    assert verify(manifest, decode=True) is manifest
    (shards / "notes.txt").write_text("other files are not looked at")
    assert verify(shards) == load_manifest(shards)


def test_damage_is_placed(shards):
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


def test_a_hostile_length_is_refused_before_tensorflow_sees_it(shards):
    path = shards / SHARD
    length = struct.pack("<Q", 10**12)
    start = path.stat().st_size
    with path.open("ab") as file:
        file.write(length + struct.pack("<I", masked_crc(length)) + bytes(99))
    with pytest.raises(DataError, match=rf"at byte {start}: claims 1,000,000,000,000"):
        verify(shards)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 3}, r"class 3; allowed are 0..2"),
        ({"label": -1}, r"class -1; allowed"),
        ({"class_name": "z"}, "is called 'z'; the manifest says"),
        ({"image": b"GIF89a"}, "neither JPEG nor PNG"),
        ({"height": 0}, "of 0 x"),
        ({"height": 10**6, "width": 10**6}, "at most 65,500 per side"),
        ({"height": 35}, r"not of the stated 35 x \d+ pixels"),
        ({"image": b"\xff\xd8\xff\xd9"}, r"pixels \(height x width\) but None"),
        ({"image": b"\x89PNG\r\n\x1a\n"}, r"pixels \(height x width\) but None"),
    ],
)
def test_a_record_that_lies_is_placed(shards, change, message):
    rewrite(shards, lambda record: dataclasses.replace(record, **change))
    with pytest.raises(DataError, match=f"{SHARD}: record 0 at byte 0: .*{message}"):
        verify(shards)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (png_of(40, 30, bytes(99)), "does not decode|truncated or damaged"),
        (png_of(40, 30, bytes(30 * 161), color_type=6), "no image that `prepare` sto"),
    ],
)
def test_pixels_are_checked_when_asked(shards, image, message):
    rewrite(
        shards,
        lambda record: dataclasses.replace(record, image=image, height=30, width=40),
    )
    with pytest.raises(DataError, match=f"{SHARD}: record 0 at byte 0: .*{message}"):
        verify(shards, decode=True)
    with pytest.raises(DataError, match=f"{SHARD}: num_bytes is"):
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
    first, second, third = test.class_counts
    counts = first + 1, second - 1, third
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
        (
            lambda content: content["splits"]["test"]["shards"][0].update(count=10**9),
            "1000000000 records cannot be in",
        ),
        (
            lambda content: content["splits"]["test"].update(class_counts=[1, 2, 3]),
            "class counts do not fit",
        ),
        (
            lambda content: content["splits"]["test"].update(class_counts=[1, "2"]),
            r"splits.test.class_counts\[1\] must be int; got '2'",
        ),
        (lambda content: content.update(class_names=[]), "class names"),
        (lambda content: content["source"].pop("name"), "source: field 'name' is"),
    ],
)
def test_a_manifest_that_does_not_fit_is_one_line(shards, edit, message):
    path = shards / "manifest.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        verify(shards)


def test_a_manifest_from_before_these_settings_can_be_read(shards):
    path = shards / "manifest.json"
    content = json.loads(path.read_text())
    for name in ("short_side", "quality"):
        del content[name]
    for group in content["duplicates"]:
        del group["splits"]
    expected = load_manifest(shards)
    path.write_text(json.dumps(content))
    assert verify(shards).settings() == expected.settings()


def test_foreign_files_are_checked_and_counted(manifest, tmp_path):
    path = manifest.shard_paths("test")[0]
    (tmp_path / "00-3.tfrec").write_bytes(frame_record(b"x") * 3)
    (tmp_path / "01-0.tfrec").write_bytes(b"")
    files = [path, tmp_path / "00-3.tfrec", str(tmp_path / "01-0.tfrec")]
    counts = verify_shards(files)
    assert list(counts.values()) == [manifest.splits["test"].shards[0].count, 3, 0]
    (tmp_path / "00-3.tfrec").write_bytes(frame_record(b"x") * 3 + b"y")
    with pytest.raises(DataError, match=r"00-3.tfrec: record 3 at byte 51: the file"):
        verify_shards(files)
