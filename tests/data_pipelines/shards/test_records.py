"""TFRecord framing: every byte is accounted for, and agrees with TensorFlow's."""

import io
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.errors import DataError
from data_pipelines.shards.records import (
    MAX_RECORD_BYTES,
    frame_record,
    masked_crc,
    read_records,
    walk_records,
)

PAYLOADS = [b"", b"x", bytes(range(30)), b"end"]


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "train-00000-of-00001.tfrec"
    path.write_bytes(b"".join(map(frame_record, PAYLOADS)))
    return path


@given(payloads=st.lists(st.binary(max_size=300), max_size=5))
def test_reading_gives_back_what_was_framed(payloads, tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "shard"
    path.write_bytes(b"".join(map(frame_record, payloads)))
    found = list(read_records(path))
    assert [data for _, data in found] == payloads
    content = path.read_bytes()
    for offset, data in found:
        assert content[offset:].startswith(frame_record(data))


def test_tensorflow_reads_ours_and_we_read_tensorflows(shard, tmp_path):
    import tensorflow as tf

    read = tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()
    assert list(read) == PAYLOADS
    path = tmp_path / "theirs"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    assert path.read_bytes() == shard.read_bytes()


def test_every_cut_inside_a_record_is_detected(shard):
    content = shard.read_bytes()
    borders = {offset for offset, _ in read_records(shard)}
    for length in set(range(len(content))) - borders:
        shard.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"train-00000-of-00001.tfrec: record \d"):
            list(read_records(shard))


def test_every_bit_flip_is_detected(shard):
    content = shard.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            shard.write_bytes(changed)
            with pytest.raises(DataError, match="record"):
                list(read_records(shard))


@pytest.mark.parametrize("length", [10**12, 2**64 - 1, MAX_RECORD_BYTES + 1, 500])
def test_a_hostile_length_with_a_valid_checksum_is_refused(shard, length):
    header = struct.pack("<Q", length)
    start = shard.stat().st_size
    with shard.open("ab") as file:
        file.write(header + struct.pack("<I", masked_crc(header)) + b"x" * 40)
    with pytest.raises(DataError, match=rf"record 4 at byte {start}: claims"):
        list(read_records(shard))


def test_a_record_that_no_reader_would_take_is_not_written():
    with pytest.raises(DataError, match="too large"):
        frame_record(bytes(MAX_RECORD_BYTES + 1))


def test_what_is_no_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"absent: No such file"):
        list(read_records(tmp_path / "absent"))
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DataError, match="is not a regular file"):
            list(read_records(path))


def test_a_file_that_was_cut_while_it_was_read_is_refused():
    content = frame_record(b"x" * 20)
    for length in range(len(content)):
        file = io.BytesIO(content[:length])
        with pytest.raises(DataError, match="x: record 0 at byte 0: the"):
            list(walk_records(file, len(content), "x"))
