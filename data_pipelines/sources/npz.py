"""Labeled images in a NumPy archive."""

import lzma
import math
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError
from data_pipelines.sources.source import Source, from_arrays
from data_pipelines.sources.split_arrays import from_split_arrays

if TYPE_CHECKING:
    import numpy as np

# What zipfile, its decompressors and NumPy's reading of a header raise on damage.
_MAX_BYTES = 2**34  # an archive may claim any size; a file of a kilobyte, petabytes
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    EOFError,
    KeyError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


_SUFFIX = ".npy"
_PLAIN = ("images", "labels")
_KERAS = ("x_train", "y_train", "x_test", "y_test")


def from_npz(path: str | Path, class_names: Sequence[str] | None = None) -> Source:
    """Returns the images of an `.npz` file as a source.

    Args:
        path: holds `images` and `labels` as `from_arrays` takes them; or `x_train`,
            `y_train`, `x_test` and `y_test`, as Keras keeps MNIST: then test images
            stay test images, and labels may also be (N, 1).
        class_names: Names by class number; None for the file's `class_names` (strings).
            Without either the classes are called by their numbers.

    Raises:
        DataError: no such file, no archive, an array is missing or has another form.
    """
    arrays = _read_arrays(path)
    if class_names is None:
        class_names = _class_names(path, arrays)
    if "images" in arrays:
        try:
            return from_arrays(arrays["images"], arrays["labels"], class_names)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
    parts = [
        (split, arrays[f"x_{split}"], _flat(arrays[f"y_{split}"]))
        for split in ("train", "test")
    ]
    return from_split_arrays(parts, class_names, str(path))


def _flat(labels: "np.ndarray") -> "np.ndarray":
    return labels[:, 0] if labels.shape[1:] == (1,) else labels


def _class_names(path: str | Path, arrays: "dict[str, np.ndarray]") -> tuple[str, ...]:
    import numpy as np

    if "class_names" in arrays:
        return tuple(map(str, arrays["class_names"].ravel().tolist()))
    labels = [arrays[key].ravel() for key in ("labels", *_KERAS[1::2]) if key in arrays]
    if not all(len(part) and np.issubdtype(part.dtype, np.integer) for part in labels):
        return ()  # which is refused further on, with what the labels are
    largest = max(int(part.max()) for part in labels)
    if largest >= sum(map(len, labels)):  # as many names would not be of use
        raise DataError(
            f"{path}: a label is {largest:,}, but there are only "
            f"{sum(map(len, labels)):,} images"
        )
    return tuple(map(str, range(largest + 1)))


def _read_arrays(path: str | Path) -> "dict[str, np.ndarray]":
    """Returns the arrays that are needed, by name.

    Raises:
        DataError: as `from_npz`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = [name for name in archive.namelist() if name.endswith(_SUFFIX)]
            found = [name.removesuffix(_SUFFIX) for name in files]
            wanted = _KERAS if "x_train" in found else _PLAIN
            missing = [key for key in wanted if key not in found]
            if missing:
                raise DataError(
                    f"{path}: no array {missing[0]!r}; it holds "
                    f"{', '.join(map(repr, found)) or 'none'}"
                )
            keys = [key for key in (*wanted, "class_names") if key in found]
            return {key: _read_array(archive, key, path) for key in keys}
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: damaged, not an .npz archive ({reason})") from error


def _read_array(archive: zipfile.ZipFile, key: str, path: str | Path) -> "np.ndarray":
    """Reads an array if its header claims as many bytes as the archive has."""
    from numpy.lib import format as npy

    member = archive.getinfo(f"{key}{_SUFFIX}")
    with archive.open(member) as file:
        is_long = npy.read_magic(file) != (1, 0)
        read = npy.read_array_header_2_0 if is_long else npy.read_array_header_1_0
        shape, _, dtype = read(file)
        num_bytes = member.file_size - file.tell()
        if dtype.hasobject:
            raise DataError(f"{path}: {key} holds objects, not plain arrays")
        if math.prod(shape) * dtype.itemsize != num_bytes:
            raise DataError(
                f"{path}: {key} claims to be {dtype} {shape}, but has {num_bytes:,} "
                "bytes"
            )
        if num_bytes > _MAX_BYTES:
            raise DataError(
                f"{path}: {key} has {num_bytes:,} bytes; at most {_MAX_BYTES:,} allowed"
            )
        file.seek(0)
        return npy.read_array(file, allow_pickle=False)
