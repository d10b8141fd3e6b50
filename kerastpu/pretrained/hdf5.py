"""Reads layers from HDF5 files as Keras 2 and Keras 3 write them, by name.

Nothing in such a file is run, and no array is read before its shape has been found to
be one that is wanted. Links and arrays that lie outside of the file are refused.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.pretrained.filling import StoredLayer

if TYPE_CHECKING:
    import h5py

# What Keras calls the weights of its stock layers, in files of layers within layers.
_WEIGHT_NAME = re.compile(
    r"(kernel|bias|gamma|beta|moving_mean|moving_variance|depthwise_kernel|"
    r"pointwise_kernel)(:0)?"
)
_WEIGHTS_IN_ARCHIVE = "model.weights.h5"
# Weights hardly shrink when packed; what grows by more than this is no file of weights.
_MOST_EXPANSION = 100
_MOST_NESTING = 8
# What h5py and zipfile raise on a damaged file beside OSError.
_DAMAGE = (
    OSError,
    EOFError,
    AttributeError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextlib.contextmanager
def open_layers(path: Path) -> Iterator[list[StoredLayer]]:
    """Opens a file of weights; while it is open, its layers can be read.

    Args:
        path: `.weights.h5` of Keras 3; `.h5` of Keras 2 or 3, weights or a whole model;
            `.keras`. What it is shows in its content.

    Yields:
        Its layers, those without weights too, in the order of the file.

    Raises:
        KerastpuError: there is no such file, or it is none of these, or damaged.
    """
    with contextlib.ExitStack() as stack:
        with refusing(path):
            import h5py

            file = stack.enter_context(h5py.File(content(path), "r"))
            layers = _read_layers(file, path)
        yield layers


def content(path: Path) -> Path | io.BytesIO:
    """Returns the HDF5 file, which may lie in a `.keras` archive.

    Raises:
        KerastpuError: it is a folder, or would grow out of all proportion.
        Exception: what `refusing` catches.
    """
    if path.is_dir():
        raise KerastpuError(f"{path}: is a folder, not a file of weights")
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(_WEIGHTS_IN_ARCHIVE)
        if member.file_size > _MOST_EXPANSION * path.stat().st_size:
            raise KerastpuError(f"{path}: {_WEIGHTS_IN_ARCHIVE} is packed too tightly")
        return io.BytesIO(archive.read(member))


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns what a damaged file raises into one line.

    Raises:
        KerastpuError: the block raised what h5py and zipfile raise.
    """
    try:
        yield
    except KerastpuError:
        raise
    except FileNotFoundError:
        raise KerastpuError(f"{path}: no such file of weights") from None
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise KerastpuError(
            f"{path}: not a file of weights (.weights.h5, .h5, .keras), or damaged: "
            f"{reason}"
        ) from error


def _read_layers(file: h5py.File, path: Path) -> list[StoredLayer]:
    """Reads names and shapes in whichever layout the file has."""
    for name in ("layers", "_layer_checkpoint_dependencies"):
        if name in file:
            return _read_groups(_child(file, name, path), path, 0)
    if "model_weights" in file:
        return _read_named(_child(file, "model_weights", path), path)
    if _names(file, "layer_names"):
        return _read_named(file, path)
    raise KerastpuError(f"{path}: an HDF5 file, but not with weights of a Keras model")


def _read_groups(group: h5py.Group, path: Path, depth: int) -> list[StoredLayer]:
    """Reads the layout of Keras 3: one group for a layer, "conv2d_1/vars/0"."""
    if depth > _MOST_NESTING:
        raise KerastpuError(f"{path}: layers within layers within layers")
    layers = []
    for name in sorted(group, key=_by_kind_and_number):
        child = _child(group, name, path)
        if "layers" in child:
            inside = _child(child, "layers", path)
            layers += _read_groups(inside, path, depth + 1)
        if "vars" in child:
            weights = _child(child, "vars", path)
            keys = sorted(weights, key=int)
            layers.append(
                _stored_layer(
                    str(weights.attrs.get("name", name)),
                    [_array(weights, key, path) for key in keys],
                    path,
                    kind=_by_kind_and_number(name)[0].replace("_", ""),
                )
            )
    return layers


def _by_kind_and_number(name: str) -> tuple[str, int]:
    """Splits "conv2d_12", so that it comes after "conv2d_2"."""
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if kind and number.isdecimal() else (name, 0)


def _read_named(group: h5py.Group, path: Path) -> list[StoredLayer]:
    """Reads the layout of Keras 2: the names of layers and weights are attributes."""
    layers = []
    for name in _names(group, "layer_names"):
        child = _child(group, name, path)
        arrays = {
            key: _array(child, key, path) for key in _names(child, "weight_names")
        }
        layers += [
            _stored_layer(inner, members, path)
            for inner, members in _inner_layers(name, arrays).items()
        ]
    return layers


def _inner_layers(
    layer: str, arrays: dict[str, h5py.Dataset]
) -> dict[str, list[h5py.Dataset]]:
    """Takes a model within the model apart: "stem/conv/kernel:0" is of "conv"."""
    inner: dict[str, list[h5py.Dataset]] = {}
    for key, array in arrays.items():
        parent, _, weight = key.rpartition("/")
        if not parent or not _WEIGHT_NAME.fullmatch(weight):
            return {layer: list(arrays.values())}
        inner.setdefault(parent, []).append(array)
    if len(inner) < 2:
        return {layer: list(arrays.values())}
    return {parent.rpartition("/")[2]: members for parent, members in inner.items()}


def _stored_layer(
    name: str, arrays: list[h5py.Dataset], path: Path, kind: str | None = None
) -> StoredLayer:
    shapes = tuple(tuple(array.shape) for array in arrays)
    keys = tuple(str(array.name).rpartition("/")[2] for array in arrays)
    return StoredLayer(
        name, shapes, functools.partial(_read_arrays, arrays, path), kind, keys
    )


def _read_arrays(arrays: list[h5py.Dataset], path: Path) -> list[np.ndarray]:
    with refusing(path):
        return [np.asarray(array[()]) for array in arrays]


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Reads a list of names; long ones are cut into `layer_names0`, `layer_names1`."""
    pieces: list[Any] = []
    for suffix in itertools.chain([""], itertools.count()):
        if f"{attribute}{suffix}" in group.attrs:
            pieces += list(group.attrs[f"{attribute}{suffix}"])
        elif suffix != "":
            break
    return [
        piece.decode() if isinstance(piece, bytes) else str(piece) for piece in pieces
    ]


def _child(group: h5py.Group, name: str, path: Path) -> h5py.Group:
    """Returns a group inside of `group`, without following links out of the file."""
    import h5py

    child = _follow(group, name, path)
    if not isinstance(child, h5py.Group):
        raise KerastpuError(f"{path}: {name} is not a group")
    return child


def _array(group: h5py.Group, name: str, path: Path) -> h5py.Dataset:
    """Returns an array of numbers that lies in the file itself."""
    import h5py

    array = _follow(group, name, path)
    is_numbers = isinstance(array, h5py.Dataset) and array.dtype.kind in "fiu"
    if not is_numbers or array.shape is None or array.external or array.is_virtual:
        raise KerastpuError(f"{path}: {name} is not an array of numbers in this file")
    if array.nbytes > _MOST_EXPANSION * path.stat().st_size:
        raise KerastpuError(f"{path}: {name} claims to hold {array.nbytes:,} bytes")
    return array


def _follow(group: h5py.Group, name: str, path: Path) -> Any:
    """Steps down a path inside of `group`, along hard links only."""
    import h5py

    for part in name.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise KerastpuError(f"{path}: {name} is a link, or is not there")
        group = group[part]
    return group
