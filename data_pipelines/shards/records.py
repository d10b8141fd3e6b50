"""TFRecord framing in pure Python: no length is believed before it is checked.

A record is its length (uint64, little endian), the masked CRC-32C of those eight
bytes (uint32), the data, and the masked CRC-32C of the data. TensorFlow's own reader
ends the process on a record that claims a huge length under a valid checksum; this
one raises `DataError`.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from data_pipelines.errors import DataError

MAX_RECORD_BYTES = 64 * 2**20
_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")
_HEADER_BYTES = _LENGTH.size + _CRC.size
MIN_RECORD_BYTES = _HEADER_BYTES + _CRC.size
_MASK_DELTA = 0xA282EAD8  # the TFRecord format's constant


def masked_crc(data: bytes) -> int:
    """Returns the masked CRC-32C that the TFRecord format stores for `data`."""
    crc = google_crc32c.value(data)
    rotated = (crc >> 15) | (crc << 17)
    return (rotated + _MASK_DELTA) & 0xFFFFFFFF


def frame_record(data: bytes) -> bytes:
    """Returns `data` as one TFRecord, ready to be appended to a shard.

    Raises:
        DataError: `data` is larger than `MAX_RECORD_BYTES`, so no reader would take it.
    """
    if len(data) > MAX_RECORD_BYTES:
        raise DataError(
            f"a record of {len(data):,} bytes is too large; "
            f"at most {MAX_RECORD_BYTES:,} bytes are allowed"
        )
    length = _LENGTH.pack(len(data))
    crcs = _CRC.pack(masked_crc(length)), _CRC.pack(masked_crc(data))
    return b"".join((length, crcs[0], data, crcs[1]))


def read_records(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """Yields (byte offset of the record, its data) for every record of a shard.

    Raises:
        DataError: the file cannot be read, or a record is cut, too long or does not
            match its checksum; names the file, the record's number and its offset.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # opening a pipe might wait forever
            raise DataError(f"{path}: is not a regular file")
        with path.open("rb") as file:
            yield from walk_records(file, os.fstat(file.fileno()).st_size, path.name)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def walk_records(
    file: BinaryIO, num_bytes: int, name: str
) -> Iterator[tuple[int, bytes]]:
    """Yields what `read_records` does, for `num_bytes` bytes of an open file.

    Args:
        file: Where the first record begins.
        num_bytes: Up to where the last one ends.
        name: What error messages call the file.

    Raises:
        DataError: as `read_records`.
    """
    index = offset = 0
    while offset < num_bytes:
        where = f"{name}: record {index} at byte {offset}"
        data = _read_record(file, num_bytes - offset, where)
        yield offset, data
        index, offset = index + 1, offset + MIN_RECORD_BYTES + len(data)


def _read_record(file: BinaryIO, bytes_left: int, where: str) -> bytes:
    header = file.read(_HEADER_BYTES)
    if bytes_left < MIN_RECORD_BYTES or len(header) < _HEADER_BYTES:
        raise DataError(f"{where}: the file ends inside the record's header")
    if masked_crc(header[:8]) != _CRC.unpack(header[8:])[0]:
        raise DataError(f"{where}: the length does not match its checksum")
    length = _LENGTH.unpack(header[:8])[0]
    if length > MAX_RECORD_BYTES:
        raise DataError(
            f"{where}: claims {length:,} bytes; at most {MAX_RECORD_BYTES:,} allowed"
        )
    if length > bytes_left - MIN_RECORD_BYTES:
        raise DataError(f"{where}: claims {length:,} bytes but the file ends before")
    data = file.read(length)
    if _CRC.pack(masked_crc(data)) != file.read(_CRC.size):
        raise DataError(f"{where}: the data does not match its checksum")
    return data
