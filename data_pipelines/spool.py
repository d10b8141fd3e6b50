"""Reading and checking every example once, into one temporary file.

What is kept in memory is only where each image lies in it, so a source may be larger
than memory, and shards can be written in any order afterwards.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from data_pipelines import images
from data_pipelines.errors import DataError
from data_pipelines.sources import Example

_CHUNK = 256  # examples read ahead: bounds the memory used
_MAX_THREADS = 16


@dataclass(frozen=True)
class Stored:
    """A checked example, whose image lies in the spool file.

    Attributes:
        name: Unique name.
        label: Class number.
        digest: sha256 of the bytes that the source gave.
        height: Of the stored image, in pixels.
        width: Of the stored image, in pixels.
        offset: Of the stored image in the spool file, in bytes.
        num_bytes: Length of the stored image.
    """

    name: str
    label: int
    digest: bytes
    height: int
    width: int
    offset: int
    num_bytes: int


def fill_spool(
    spool: BinaryIO,
    examples: Sequence[Example],
    image_size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Stored], list[str]]:
    """Appends every good image to `spool`; returns them, and one line per bad one.

    Args:
        spool: An empty file.
        examples: What to read.
        image_size: As for `images.normalize`.
        progress: Called with (examples done, examples in all).
    """
    stored: list[Stored] = []
    bad: list[str] = []
    offset = 0
    for done, (example, checked) in enumerate(_check(examples, image_size), start=1):
        if isinstance(checked, DataError):
            bad.append(str(checked))
        else:
            digest, image = checked
            spool.write(image.data)
            stored.append(
                Stored(
                    name=example.name,
                    label=example.label,
                    digest=digest,
                    height=image.height,
                    width=image.width,
                    offset=offset,
                    num_bytes=len(image.data),
                )
            )
            offset += len(image.data)
        if progress is not None:
            progress(done, len(examples))
    return stored, bad


def read_spool(spool: BinaryIO, item: Stored) -> bytes:
    """Returns the encoded image of `item`."""
    spool.seek(item.offset)
    return spool.read(item.num_bytes)


def _check(
    examples: Sequence[Example], image_size: int | None
) -> Iterator[tuple[Example, tuple[bytes, images.CheckedImage] | DataError]]:
    """Yields every example, in order, with (digest, image) or with what is wrong.

    Threads help: reading, hashing and Pillow's decoders let each other run.
    """

    def check(example: Example) -> tuple[bytes, images.CheckedImage] | DataError:
        try:
            data = example.read()
            image = images.normalize(data, example.name, image_size)
        except DataError as error:
            return error
        return hashlib.sha256(data).digest(), image

    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        for start in range(0, len(examples), _CHUNK):
            chunk = examples[start : start + _CHUNK]
            yield from zip(chunk, pool.map(check, chunk), strict=True)
