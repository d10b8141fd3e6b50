"""CIFAR-10 from the files it is published in: the binary version.

A record is one byte, the label, and 3072 bytes, the red, the green and the blue plane
of 32 x 32 pixels, row by row (https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from data_pipelines.errors import DataError
from data_pipelines.sources.source import Source
from data_pipelines.sources.split_arrays import from_split_arrays

if TYPE_CHECKING:
    import numpy as np

# In the order of batches.meta.txt.
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_SIDE = 32
_RECORD_BYTES = 1 + 3 * _SIDE**2
_TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST_FILE = "test_batch.bin"
_NAMES_FILE = "batches.meta.txt"


def from_cifar_folder(folder: Path) -> Source:
    """Returns CIFAR-10, with the official split.

    Args:
        folder: holds data_batch_1.bin to data_batch_5.bin, test_batch.bin and perhaps
            batches.meta.txt, the class names, one on a line.

    Raises:
        DataError: a file is missing or damaged.
    """
    missing = [n for n in (*_TRAIN_FILES, _TEST_FILE) if not (folder / n).is_file()]
    if missing:
        raise DataError(f"{folder}: {', '.join(missing)} of CIFAR-10 is not there")
    try:
        class_names = _read_names(folder / _NAMES_FILE)
        parts = [("train", *_read_batch(folder / name)) for name in _TRAIN_FILES]
        parts.append(("test", *_read_batch(folder / _TEST_FILE)))
    except OSError as error:
        raise DataError(f"{error.filename or folder}: {error.strerror}") from error
    return from_split_arrays(parts, class_names, str(folder))


def refuse_pickles(folder: Path) -> NoReturn:
    """Refuses CIFAR-10's Python version, for unpickling a file runs what is in it.

    Raises:
        DataError: always.
    """
    raise DataError(
        f"{folder}: holds CIFAR-10's Python version, whose pickles are not read, since "
        "they can run code; take the binary version, cifar-10-binary.tar.gz"
    )


def _read_names(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return CLASS_NAMES
    text = path.read_text(encoding="utf-8", errors="replace")
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(set(names)) != len(CLASS_NAMES):
        raise DataError(f"{path}: expected {len(CLASS_NAMES)} names; got {names}")
    return names


def _read_batch(path: Path) -> "tuple[np.ndarray, np.ndarray]":
    """Returns uint8 images (N, 32, 32, 3) and labels (N,)."""
    import numpy as np

    num_bytes = path.stat().st_size
    if not num_bytes or num_bytes % _RECORD_BYTES:
        raise DataError(
            f"{path}: {num_bytes:,} bytes; expected records of {_RECORD_BYTES:,} bytes"
        )
    records = np.fromfile(path, np.uint8).reshape(-1, _RECORD_BYTES)
    labels = records[:, 0]
    wrong = np.flatnonzero(labels >= len(CLASS_NAMES))
    if wrong.size:
        raise DataError(
            f"{path}: record {wrong[0]} at byte {wrong[0] * _RECORD_BYTES}: label "
            f"{labels[wrong[0]]}; allowed are 0..{len(CLASS_NAMES) - 1}"
        )
    planes = records[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
    # Eight times as fast as copying the transposed array.
    images = np.stack([planes[:, channel] for channel in range(3)], axis=-1)
    return images, labels
