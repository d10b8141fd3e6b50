"""Where examples come from: a `Source` names them; nothing is read until asked."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError
from data_pipelines.shards.splits import SPLITS
from data_pipelines.sources.class_folders import find_class_folders

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Example:
    """One image of a source.

    Attributes:
        name: Unique in its source.
        label: Class number.
        read: Returns the encoded image; raises `DataError` where it cannot.
        split: "train", "validation" or "test" where the source itself says which, as
            MNIST does; None to let the image's content decide.
    """

    name: str
    label: int
    read: Callable[[], bytes]
    split: str | None = None


@dataclass(frozen=True)
class Source:
    """A set of labeled images.

    Attributes:
        kind: "folder", "csv", "tfrecords", "shards", "arrays", "tfds" or "rendered".
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

    Classes are the folders sorted by name; where all are numbered (`001.ak47`,
    `002_flag`), they are in the order of the numbers and named without them. Images may
    lie deeper inside a class folder. Hidden files, Thumbs.db, desktop.ini and files
    beside the class folders are ignored; any other file in a class folder has to be an
    image, which reading it tells. Linked folders inside a class folder are not entered.

    A folder that comes split holds nothing but `train` and `validation` or `test` (also
    training, valid, val, dev, testing), each with the same class folders: its examples
    keep their split.

    The fingerprint covers names, sizes and times of change, not the contents.

    Raises:
        DataError: no such folder, a file, no or one class folder, no files, no file
            directly in a class folder, or splits with different classes.
    """
    root = Path(path)
    try:
        found = find_class_folders(root)
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    examples, states = [], []
    for file, label, split in found.files:
        name = file.relative_to(root).as_posix()
        read = functools.partial(read_image_file, file, name)
        examples.append(Example(name, label, read, split))
        states.append((name, *state_of_file(file)))
    return Source(
        "folder",
        str(root),
        found.class_names,
        tuple(examples),
        fingerprint("folder", found.class_names, states),
        found.notes,
    )


def from_arrays(
    images: "np.ndarray",
    labels: "np.ndarray",
    class_names: Sequence[str],
    splits: Sequence[str] | None = None,
) -> Source:
    """Returns images in memory as a source; they are stored as PNG, without loss.

    Args:
        images: uint8 (N, height, width), (N, height, width, 1) or (N, height, width,
            3), 0..255.
        labels: integers (N,), 0..number of classes - 1.
        class_names: At least two, all different.
        splits: "train", "validation" or "test" for every image, where the set comes
            split; None to let each image's content decide.

    Raises:
        DataError: another shape, dtype, label or split.
    """
    import numpy as np

    images, labels = np.asarray(images), np.asarray(labels)
    splits = None if splits is None else [str(split) for split in splits]
    _check_arrays(images, labels, class_names, splits)
    width = len(str(len(images) - 1))
    of_image = [None] * len(images) if splits is None else splits
    examples = tuple(
        Example(f"{i:0{width}}", label, functools.partial(_to_pnm, image), split)
        for i, (image, label, split) in enumerate(
            zip(images, labels.tolist(), of_image, strict=True)
        )
    )
    pixels = hashlib.sha256(images.ravel().data).hexdigest()
    contents: tuple[object, ...] = (pixels, images.shape)
    if splits is not None:
        contents += (tuple(splits),)
    mark = fingerprint("arrays", *contents, labels.tolist(), tuple(class_names))
    name = f"{len(images)} arrays {images.shape[1:]}"
    return Source("arrays", name, tuple(class_names), examples, mark)


def _check_arrays(
    images: "np.ndarray",
    labels: "np.ndarray",
    class_names: Sequence[str],
    splits: Sequence[str] | None,
) -> None:
    """Refuses what `from_arrays` does not take."""
    import numpy as np

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
    are_texts = all(isinstance(name, str) for name in class_names)
    if num_classes < 2 or len(set(class_names)) != num_classes or not are_texts:
        raise DataError(
            f"class_names must be 2 or more different texts; got {list(class_names)}"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(
            f"labels must be 0..{num_classes - 1} for {num_classes} class names; got "
            f"{labels.min()}..{labels.max()}"
        )
    if splits is not None and (len(splits) != shape[0] or {*splits} - {*SPLITS}):
        raise DataError(
            f"splits must be {shape[0]} of {', '.join(SPLITS)}, one per image; got "
            f"{len(splits)}: {', '.join(sorted(set(splits)))}"
        )


def _to_pnm(image: "np.ndarray") -> bytes:
    """Encodes pixels so that equal pixels have equal bytes with any library version."""
    kind = b"P6" if image.shape[2:] == (3,) else b"P5"
    return b"%b %d %d 255\n" % (kind, image.shape[1], image.shape[0]) + image.tobytes()


def state_of_file(file: Path) -> tuple[int, int]:
    """Returns size in bytes and time of change in ns; -1, -1 where there is no file."""
    try:
        state = file.stat()
    except OSError:
        return -1, -1  # reading it will fail as well, and say why
    return state.st_size, state.st_mtime_ns


def read_image_file(file: Path, name: str) -> bytes:
    """Returns the bytes of a file; `Example.read` of sources that are made of files.

    Raises:
        DataError: as `images.read_file`.
    """
    # Here, not at the top: it loads Pillow.
    from data_pipelines.images.normalize import read_file

    return read_file(file, name)
