"""MNIST and the sets made in its likeness, from the files they are published in."""

from collections.abc import Sequence
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.sources.idx import read_idx
from data_pipelines.sources.pixel_csv import read_pixel_csv
from data_pipelines.sources.source import Source
from data_pipelines.sources.split_arrays import from_split_arrays

_STEMS = {"train": "train", "test": "t10k"}


def from_idx_folder(folder: Path, class_names: Sequence[str]) -> Source:
    """Returns the images of four idx files, with the official split.

    Args:
        folder: holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the same for
            t10k, each perhaps with .gz; "train-images.idx3-ubyte" is the same name.
        class_names: One for each label.

    Raises:
        DataError: a file is missing, damaged or does not fit the others.
    """
    parts = [
        (
            split,
            read_idx(_find(folder, f"{stem}-images", "idx3-ubyte")),
            read_idx(_find(folder, f"{stem}-labels", "idx1-ubyte")),
        )
        for split, stem in _STEMS.items()
    ]
    return from_split_arrays(parts, class_names, str(folder))


def from_csv_folder(folder: Path, class_names: Sequence[str]) -> Source:
    """Returns the images of Kaggle's Fashion-MNIST tables, with the official split.

    Args:
        folder: holds fashion-mnist_train.csv and fashion-mnist_test.csv.
        class_names: One for each label.

    Raises:
        DataError: a file is missing or is no such table.
    """
    files = {split: folder / f"fashion-mnist_{split}.csv" for split in _STEMS}
    parts = [
        (split, *read_pixel_csv(file, len(class_names)))
        for split, file in files.items()
    ]
    return from_split_arrays(parts, class_names, str(folder))


def _find(folder: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{dot}{kind}{end}" for dot in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():  # some archives have folders so called
            return folder / name
    raise DataError(f"{folder}: none of {', '.join(names)} is there")
