"""Where examples come from: a `Source` names them; nothing is read until asked."""

import functools
import hashlib
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_IGNORED_FILES = {"thumbs.db", "desktop.ini"}
_IGNORED_FOLDERS = {"__MACOSX"}


@dataclass(frozen=True)
class Example:
    """One image of a source.

    Attributes:
        name: Unique in its source.
        label: Class number.
        read: Returns the encoded image; raises `DataError` where it cannot.
    """

    name: str
    label: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Source:
    """A set of labeled images.

    Attributes:
        kind: "folder", "arrays", "tfds" or "rendered".
        name: Where it is, for people.
        class_names: Names by class number, in the order that the source gives.
        examples: All images.
        fingerprint: sha256 in hex; the same for an unchanged source.
        notes: What people should be told about this source.
        is_synthetic: Whether the images were drawn by code.
    """

    kind: str
    name: str
    class_names: tuple[str, ...]
    examples: tuple[Example, ...]
    fingerprint: str
    notes: tuple[str, ...] = ()
    is_synthetic: bool = False


@dataclass(frozen=True)
class ArrayData:
    """Images in memory; see `from_arrays`."""

    images: "np.ndarray"
    labels: "np.ndarray"
    class_names: Sequence[str]


def fingerprint(*parts: object) -> str:
    """Returns one sha256, in hex, for a sequence of values with a stable `repr`."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode("utf-8", "backslashreplace") + b"\n")
    return digest.hexdigest()


def from_folder(path: str | Path) -> Source:
    """Returns the images of a folder that has one folder per class.

    Classes are the folders sorted by name. Images may lie deeper inside a class folder.
    Hidden files, Thumbs.db, desktop.ini and files beside the class folders are ignored;
    any other file in a class folder has to be an image, which reading it tells.
    The fingerprint covers names, sizes and times of change, not the contents.

    Raises:
        DataError: no such folder, a file, no or one class folder, no files.
    """
    root = Path(path)
    if not root.is_dir():
        kind = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{root}: {kind}; expected a folder with one folder per class")
    try:
        classes = sorted(
            entry.name
            for entry in root.iterdir()
            if entry.is_dir() and not _is_ignored(entry.name)
        )
        files = [
            (file, label)
            for label, name in enumerate(classes)
            for file in _files_below(root / name)
        ]
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    if not files:
        raise DataError(f"{root}: no image found; expected <class>/<image> below it")
    if len(classes) == 1:
        raise DataError(f"{root}: only one class folder, {classes[0]!r}; 2 are needed")
    examples, states = [], []
    for file, label in files:
        name = file.relative_to(root).as_posix()
        examples.append(Example(name, label, functools.partial(_read, file, name)))
        states.append((name, *_state(file)))
    return Source(
        "folder",
        str(root),
        tuple(classes),
        tuple(examples),
        fingerprint("folder", classes, states),
    )


def from_arrays(
    images: "np.ndarray", labels: "np.ndarray", class_names: Sequence[str]
) -> Source:
    """Returns images in memory as a source; they are stored as PNG, without loss.

    Args:
        images: uint8 (N, height, width), (N, height, width, 1) or (N, height, width,
            3), 0..255.
        labels: integers (N,), 0..number of classes - 1.
        class_names: At least two, all different.

    Raises:
        DataError: another shape, dtype or label.
    """
    import numpy as np

    images, labels = np.asarray(images), np.asarray(labels)
    shape, num_classes = images.shape, len(class_names)
    if images.dtype != np.uint8 or not (
        len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    ):
        raise DataError(
            f"images must be uint8 (N, height, width), (..., 1) or (..., 3); got "
            f"{images.dtype} {shape}"
        )
    if not images.size:
        raise DataError(f"images are empty: shape {shape}")
    if labels.shape != shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"labels must be {shape[0]} integers, one per image; got {labels.dtype} "
            f"{labels.shape}"
        )
    if num_classes < 2 or len(set(class_names)) != num_classes:
        raise DataError(
            f"class_names must be 2 or more different names; got {list(class_names)}"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(
            f"labels must be 0..{num_classes - 1} for {num_classes} class names; got "
            f"{labels.min()}..{labels.max()}"
        )
    width = len(str(len(images) - 1))
    examples = tuple(
        Example(f"{i:0{width}}", int(labels[i]), functools.partial(_to_pnm, images[i]))
        for i in range(len(images))
    )
    contents = (hashlib.sha256(images.tobytes()).hexdigest(), shape)
    mark = fingerprint("arrays", *contents, labels.tolist(), tuple(class_names))
    name = f"{shape[0]} arrays {shape[1:]}"
    return Source("arrays", name, tuple(class_names), examples, mark)


def _to_pnm(image: "np.ndarray") -> bytes:
    """Encodes pixels so that equal pixels have equal bytes with any library version."""
    kind = b"P6" if image.shape[2:] == (3,) else b"P5"
    return b"%b %d %d 255\n" % (kind, image.shape[1], image.shape[0]) + image.tobytes()


def _files_below(folder: Path) -> Iterable[Path]:
    found = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        found += [Path(parent) / name for name in files if not _is_ignored(name)]
    return sorted(found, key=operator.methodcaller("as_posix"))


def _is_ignored(name: str) -> bool:
    ignored = name.lower() in _IGNORED_FILES or name in _IGNORED_FOLDERS
    return ignored or name.startswith(".")


def _raise(error: OSError) -> None:
    raise error  # os.walk would pass over an unreadable folder in silence


def _state(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return -1, -1  # reading it will fail as well, and say why
    return state.st_size, state.st_mtime_ns


def _read(file: Path, name: str) -> bytes:
    from data_pipelines.images import read_file

    return read_file(file, name)
