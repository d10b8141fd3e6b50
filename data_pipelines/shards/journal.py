"""An append-only file of JSON values, a line each, that may be cut at any byte.

Each line begins with a checksum over a mark and its text. So what is left of a killed
run is read up to the first line that is not whole, or that was written for another
purpose.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from data_pipelines.shards.records import masked_crc


def append_line(file: BinaryIO, value: Any, mark: str) -> None:
    """Appends a JSON value; what is flushed outlives the process."""
    file.write(_make_line(json.dumps(value).encode("ascii"), mark))


def read_lines(file: BinaryIO, mark: str) -> Iterator[tuple[Any, int]]:
    """Yields (value, offset of its line's end in bytes) up to the first bad line."""
    file.seek(0)
    end = 0
    for line in file:
        text = line[9:-1]
        if line != _make_line(text, mark):
            return
        end += len(line)
        yield json.loads(text), end


def _make_line(text: bytes, mark: str) -> bytes:
    return b"%08x %b\n" % (masked_crc(mark.encode() + text), text)
