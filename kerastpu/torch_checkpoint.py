"""Reads a PyTorch checkpoint without PyTorch and without running its pickles.

Only the format that `torch.save` wrote before version 1.6 (no zip): a magic number, a
protocol number, facts about the machine, the pickled state dict, the list of storage
keys, and then the storages' raw numbers.

A pickle is a program that may name any function to call. The unpickler here takes
only the instructions and names that a state dict needs, gives each name a stand-in
that records its arguments, and refuses the rest.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import math
import pickle
import pickletools
import re
from typing import Any, BinaryIO

import numpy as np

from kerastpu.errors import KerastpuError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_STORAGE_DTYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "ByteStorage": "<u1",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
}
_INSTRUCTIONS = re.compile(
    "APPENDS?|BINGET|BININT[12]?|BINPERSID|BINPUT|BINUNICODE|BUILD|"
    "EMPTY_(DICT|LIST|TUPLE)|GLOBAL|LONG1|LONG_BIN(GET|PUT)|MARK|NEW(FALSE|TRUE)|NONE|"
    "PROTO|REDUCE|SETITEMS?|STOP|TUPLE[123]?"
)
# What a damaged pickle raises beside UnpicklingError, by the documentation of pickle
# and because stand-ins refuse arguments that do not fit.
_DAMAGE = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    ValueError,
)


@dataclasses.dataclass(frozen=True)
class _Storage:
    """A flat array that follows after the pickles."""

    key: str
    dtype: str
    length: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A view of a storage; sizes and strides in elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def resolve(self, flat: np.ndarray) -> np.ndarray:
        """Cuts the view out of its storage, as a copy in C order.

        Raises:
            ValueError: the view reaches outside the storage or repeats elements.
        """
        numbers = (self.offset, *self.size, *self.stride)
        is_whole = all(type(number) is int and number >= 0 for number in numbers)
        if not is_whole or len(self.size) != len(self.stride):
            raise ValueError(f"sizes {self.size}, strides {self.stride}")
        last = sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        num_elements = math.prod(self.size)
        if num_elements > len(flat) or (
            num_elements and self.offset + last >= len(flat)
        ):
            raise ValueError(f"view {self.size} of a storage of {len(flat)}")
        strides = [stride * flat.itemsize for stride in self.stride]
        view = np.lib.stride_tricks.as_strided(flat[self.offset :], self.size, strides)
        return view.copy()


class _Unpickler(pickle.Unpickler):
    """Builds records of tensors; calls nothing that the file brings."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8")

        # Made anew for each file: a pickle can set attributes on what it is given.
        def tensor(
            storage: Any, offset: int, size: Any, stride: Any, *_unused: Any
        ) -> _Tensor:
            if not isinstance(storage, _Storage):
                raise pickle.UnpicklingError("a tensor without storage")
            return _Tensor(storage, offset, tuple(size), tuple(stride))

        self._known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): tensor,
        }
        for name, dtype in _STORAGE_DTYPES.items():
            self._known["torch", name] = dtype

    def find_class(self, module: str, name: str) -> Any:
        """Returns the stand-in for `module.name`.

        Raises:
            pickle.UnpicklingError: the name is not one that a state dict needs.
        """
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return self._known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Records a storage: ("storage", type, key, place, length, view)."""
        kind, dtype, key, _, length, view = pid
        if kind != "storage" or dtype not in _STORAGE_DTYPES.values() or view:
            raise pickle.UnpicklingError(f"a storage of kind {kind!r}")
        if not isinstance(key, str) or type(length) is not int or length < 0:
            raise pickle.UnpicklingError(f"a storage with key {key!r}")
        return _Storage(key, dtype, length)


def _load(file: BinaryIO) -> Any:
    """Reads one pickle, once its instructions have been checked."""
    start = file.tell()
    for count, (code, argument, _) in enumerate(pickletools.genops(file)):
        if not _INSTRUCTIONS.fullmatch(code.name):
            raise pickle.UnpicklingError(f"instruction {code.name} is not allowed")
        # A far slot would make the unpickler fill all memory up to it.
        if code.name == "LONG_BINPUT" and int(argument or 0) > count:
            raise pickle.UnpicklingError(f"memo slot {argument}")
    file.seek(start)
    return _Unpickler(file).load()


def _read_tensors(file: BinaryIO) -> dict[str, _Tensor]:
    """Reads the pickles up to the state dict."""
    if _load(file) != _MAGIC or _load(file) != _PROTOCOL:
        raise ValueError("not a checkpoint in the format before PyTorch 1.6")
    if _load(file).get("little_endian") is not True:
        raise ValueError("numbers are not little-endian")
    tensors = _load(file)
    if not isinstance(tensors, dict):
        raise ValueError("holds no state dict")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise ValueError(f"{name!r} is not a tensor")
    return dict(tensors)


def _read_storages(
    file: BinaryIO, storages: dict[str, _Storage]
) -> dict[str, np.ndarray]:
    """Reads the raw numbers, in the order of the key list."""
    flats = {}
    for key in _load(file):
        storage = storages[key]
        length = int.from_bytes(file.read(8), "little", signed=True)
        if length != storage.length:
            raise ValueError(f"storage {key}: {length} numbers, not {storage.length}")
        dtype = np.dtype(storage.dtype)
        raw = file.read(length * dtype.itemsize)
        flats[key] = np.frombuffer(raw, dtype, count=length)
    return flats


def read(content: bytes, name: str) -> dict[str, np.ndarray]:
    """Reads a state dict.

    Args:
        content: The whole file.
        name: What to call it in messages.

    Returns:
        Tensor name -> array, in the layouts of PyTorch and the file's order.

    Raises:
        KerastpuError: another format, a damaged file, or a pickle that asks for
            something that a state dict does not need.
    """
    file = io.BytesIO(content)
    try:
        tensors = _read_tensors(file)
        storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        flats = _read_storages(file, storages)
        return {
            key: tensor.resolve(flats[tensor.storage.key])
            for key, tensor in tensors.items()
        }
    except _DAMAGE as error:
        raise KerastpuError(f"{name}: cannot read checkpoint: {error}") from error
