"""Images as rows of a table: Kaggle's form of Fashion-MNIST.

The first line is "label,pixel1,...,pixel784"; every other one is an image of 28 x 28
gray pixels, row by row (https://www.kaggle.com/datasets/zalando-research/fashionmnist).
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_SIDE = 28
_NUM_COLUMNS = 1 + _SIDE**2


def read_pixel_csv(
    path: str | Path, num_classes: int
) -> "tuple[np.ndarray, np.ndarray]":
    """Returns uint8 images (N, 28, 28) and uint8 labels (N,).

    Args:
        path: The file; empty lines are passed over.
        num_classes: Labels have to be 0..num_classes - 1.

    Raises:
        DataError: no such file, no such table; names the file and the line.
    """
    path = Path(path)
    if not path.is_file():  # opening a pipe might wait forever
        raise DataError(f"{path}: no such file")
    try:
        _check_header(path)
        return _read(path, num_classes)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def _read(path: Path, num_classes: int) -> "tuple[np.ndarray, np.ndarray]":
    import numpy as np

    try:
        with warnings.catch_warnings():
            # NumPy only warns where it takes 3.7 or 300,000 for a small integer.
            warnings.simplefilter("error")
            table = np.loadtxt(
                path,
                np.int16,  # holds what is allowed and the 256 that is not
                comments=None,
                delimiter=",",
                skiprows=1,
                ndmin=2,
                encoding="ascii",
            )
    except (ValueError, Warning) as error:
        raise _find_bad_line(path, num_classes, str(error)) from error
    labels, pixels = table[:, 0], table[:, 1:]
    if (
        table.shape[1] != _NUM_COLUMNS
        or not 0 <= labels.min() <= labels.max() < num_classes
        or not 0 <= pixels.min() <= pixels.max() <= 255
    ):
        raise _find_bad_line(path, num_classes, "not a table of pixels")
    images = pixels.astype(np.uint8).reshape(-1, _SIDE, _SIDE)
    return images, labels.astype(np.uint8)


def _check_header(path: Path) -> None:
    expected = ",".join(["label", *(f"pixel{i}" for i in range(1, _NUM_COLUMNS))])
    with path.open("rb") as file:
        # No more than that of a file which is one long line.
        header = file.readline(len(expected) + 3).rstrip(b"\r\n")
    if header != expected.encode():
        raise DataError(
            f"{path}: line 1: expected label,pixel1,...,pixel{_NUM_COLUMNS - 1}; "
            f"got {header[:40]!r}"
        )


def _find_bad_line(path: Path, num_classes: int, reason: str) -> DataError:
    """Returns the error for the first line that is wrong, which is slow to find."""
    num_images = 0
    with path.open("rb") as file:
        next(file)
        for number, line in enumerate(file, start=2):
            row = line.strip()
            if row and (trouble := _trouble(row, num_classes)):
                return DataError(f"{path}: line {number}: {trouble}")
            num_images += bool(row)
    return DataError(f"{path}: {reason if num_images else 'no image after line 1'}")


def _trouble(row: bytes, num_classes: int) -> str:
    """Returns what is wrong with a line, or an empty text."""
    fields = row.split(b",")
    if len(fields) != _NUM_COLUMNS:
        return f"{len(fields)} columns; expected {_NUM_COLUMNS}"
    for column, field in enumerate(fields):
        most, what = (255, f"pixel{column}") if column else (num_classes - 1, "label")
        # Three digits first, for int() of a million takes its time.
        if not (field.isdigit() and len(field) <= 3 and int(field) <= most):
            return f"{what} must be an integer 0..{most}; got {field[:20]!r}"
    return ""
