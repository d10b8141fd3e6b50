"""The idx format, in which MNIST is published: one array of bytes, gzipped or not.

A file is two zero bytes, the type of the values, the number of dimensions, each
dimension as a big-endian uint32, and the values, last dimension fastest
(http://yann.lecun.com/exdb/mnist, "The IDX file format").
"""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from data_pipelines.errors import DataError

if TYPE_CHECKING:
    import numpy as np

# 46 times MNIST's images; a file that claims more is not believed.
MAX_VALUES = 2**31
_UNSIGNED_BYTE = 0x08
_MAX_DIMENSIONS = 4
_GZIP_MAGIC = b"\x1f\x8b"
# Deflate packs at most 1032 bytes into one (https://zlib.net/zlib_tech.html).
_MAX_PACKING = 1032


def read_idx(path: str | Path) -> "np.ndarray":
    """Returns the uint8 array of an idx file, with 1 to 4 dimensions of at least 1.

    Args:
        path: The file; whether it is gzipped is told by its first bytes.

    Raises:
        DataError: no such file, another type of values, a length that does not fit the
            dimensions, or a damaged gzip file.
    """
    path = Path(path)
    if not path.is_file():  # opening a pipe might wait forever
        raise DataError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            num_bytes = os.fstat(file.fileno()).st_size
            is_packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if not is_packed:
                return _read(file, num_bytes, path)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, num_bytes * _MAX_PACKING, path)
    except gzip.BadGzipFile as error:
        raise DataError(f"{path}: damaged gzip file ({error})") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: truncated or damaged gzip file ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def _read(file: "BinaryIO | gzip.GzipFile", at_most: int, path: Path) -> "np.ndarray":
    """Reads an array; `at_most` bytes can be in the file."""
    import numpy as np

    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise DataError(f"{path}: not an idx file (starts with {start!r})")
    kind, num_dimensions = start[2:]
    if kind != _UNSIGNED_BYTE:
        raise DataError(
            f"{path}: holds values of type 0x{kind:02x}; only 0x08, unsigned bytes, "
            "is allowed"
        )
    if not 1 <= num_dimensions <= _MAX_DIMENSIONS:
        raise DataError(
            f"{path}: claims {num_dimensions} dimensions; 1..{_MAX_DIMENSIONS} allowed"
        )
    sizes = file.read(4 * num_dimensions)
    if len(sizes) < 4 * num_dimensions:
        raise DataError(f"{path}: the file ends inside the dimensions")
    shape = struct.unpack(f">{num_dimensions}I", sizes)
    num_values = math.prod(shape)
    if not 0 < num_values <= min(at_most, MAX_VALUES):
        raise DataError(
            f"{path}: claims {num_values:,} values {shape}; this file can hold "
            f"1..{min(at_most, MAX_VALUES):,}"
        )
    values = file.read(num_values + 1)  # one more, to see the end
    if len(values) != num_values:
        found = "more follow" if len(values) > num_values else f"holds {len(values):,}"
        raise DataError(f"{path}: claims {num_values:,} values {shape}; {found}")
    return np.frombuffer(values, np.uint8).reshape(shape)
