"""Constants of an ONNX file as arrays: sizes are checked before memory is taken."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.importers import limits

if TYPE_CHECKING:
    from onnx import TensorProto

# Field of the message that holds the numbers, where they are not raw bytes; bits each.
_TYPES = {
    "FLOAT": ("float_data", 32),
    "DOUBLE": ("double_data", 64),
    "FLOAT16": ("int32_data", 16),
    "BFLOAT16": ("int32_data", 16),
    "INT8": ("int32_data", 8),
    "INT16": ("int32_data", 16),
    "INT32": ("int32_data", 32),
    "INT64": ("int64_data", 64),
    "UINT8": ("int32_data", 8),
    "UINT16": ("int32_data", 16),
    "UINT32": ("uint64_data", 32),
    "UINT64": ("uint64_data", 64),
    "BOOL": ("int32_data", 8),
}


class ArrayReader:
    """Reads the constants of one file.

    Args:
        path: The ONNX file; numbers may lie in other files of its folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._external_bytes = 0

    def read(self, tensor: TensorProto, what: str) -> np.ndarray:
        """Returns a constant.

        Args:
            tensor: The message.
            what: What to call it in messages.

        Raises:
            KerastpuError: a type that is not numbers, a shape that does not agree with
                the bytes there are, or a file elsewhere.
        """
        import onnx

        names = onnx.TensorProto.DataType
        known = tensor.data_type in names.values()
        kind = names.Name(tensor.data_type) if known else str(tensor.data_type)
        if kind not in _TYPES:
            raise KerastpuError(
                f"{self._path}: {what} has the type {kind}; only numbers can be read"
            )
        field, bits = _TYPES[kind]
        what = f"{self._path}: {what}"
        count = limits.num_elements(tensor.dims, limits.MAX_FILE_BYTES, what)
        if tensor.HasField("segment"):
            raise KerastpuError(f"{what} is cut into segments, which is not supported")
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raw = self._read_external(tensor, count * bits // 8, what)
        elif tensor.HasField("raw_data"):
            raw = tensor.raw_data
        else:
            if len(getattr(tensor, field)) != count:
                raise KerastpuError(
                    f"{what} holds {len(getattr(tensor, field)):,} numbers, but its "
                    f"shape {list(tensor.dims)} needs {count:,}"
                )
            return _plain(onnx.numpy_helper.to_array(tensor))
        if len(raw) != count * bits // 8:
            raise KerastpuError(
                f"{what} holds {len(raw):,} bytes, but its shape {list(tensor.dims)} "
                f"needs {count * bits // 8:,}"
            )
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
        return _plain(np.frombuffer(raw, dtype).reshape(tuple(tensor.dims)))

    def _read_external(self, tensor: TensorProto, num_bytes: int, what: str) -> bytes:
        """Reads numbers from a file beside the ONNX file, and from nowhere else."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if not all(isinstance(value, str) for value in entries.values()):
            raise KerastpuError(f"{what}: where it lies is no text")
        path = self._inside(entries.get("location", ""), what)
        try:
            offset = int(entries.get("offset", 0))
            length = int(entries.get("length", num_bytes))
        except ValueError:
            raise KerastpuError(f"{what}: offset and length are no numbers") from None
        self._external_bytes += num_bytes
        if self._external_bytes > limits.MAX_EXTERNAL_BYTES:
            raise KerastpuError(
                f"{what}: more than {limits.MAX_EXTERNAL_BYTES:,} bytes in other files"
            )
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags)
        except OSError as error:
            raise KerastpuError(
                f"{what}: cannot read {path}: {error.strerror}"
            ) from error
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            if length != num_bytes or offset < 0 or offset + length > size:
                raise KerastpuError(
                    f"{what}: bytes {offset:,} to {offset + length:,} of {path}, which "
                    f"has {size:,}, are not the {num_bytes:,} that its shape needs"
                )
            file.seek(offset)
            return file.read(length)

    def _inside(self, location: str, what: str) -> Path:
        """Returns a file of the model's folder; links and other folders are refused."""
        names = PurePosixPath(location), PureWindowsPath(location)
        is_plain = location and "\0" not in location
        if not is_plain or any(
            name.is_absolute() or name.drive or ".." in name.parts for name in names
        ):
            raise KerastpuError(
                f"{what} lies in {location!r}; only files in the model's own folder "
                "are read"
            )
        folder = self._path.parent
        path = folder
        for part in names[0].parts:
            path = path / part
            if path.is_symlink():
                raise KerastpuError(
                    f"{what} lies in {location!r}, which is a link; links are not "
                    "followed"
                )
        if not path.is_file():
            raise KerastpuError(f"{what} lies in {location!r}, which is not there")
        return path


def _plain(array: np.ndarray) -> np.ndarray:
    """Returns the array in types that NumPy has by itself: no bfloat16."""
    return array if array.dtype.isbuiltin == 1 else array.astype(np.float32)


def as_float(array: np.ndarray) -> np.ndarray:
    """Returns a weight in float32, whatever it was stored in.

    Args:
        array: Numbers of any type.
    """
    return np.ascontiguousarray(array, np.float32)


def is_whole(array: np.ndarray) -> bool:
    """Returns whether the numbers are integers (booleans are not)."""
    return array.dtype.kind in "iu"


def product(sizes: tuple[int | None, ...]) -> int | None:
    """Returns the number of elements; None where a size is not known."""
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None
