"""A table of image paths and labels as a source."""

import csv
import decimal
import functools
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from data_pipelines.errors import DataError
from data_pipelines.sources.source import (
    Example,
    Source,
    fingerprint,
    read_image_file,
    state_of_file,
)
from data_pipelines.sources.split_names import SPLIT_WORDS, split_of_word

# What the columns may be called, best first.
_PATH_COLUMNS = ("path", "image", "filename", "file")
_LABEL_COLUMNS = ("label", "class_name", "class")
_SPLIT_COLUMN = "split"
_MAX_HEADER = 100_000  # characters: less than what the csv module takes for one field
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class _Row(NamedTuple):
    line: int
    name: str
    label: str
    split: str | None


def from_csv(path: str | Path, *, image_root: str | Path | None = None) -> Source:
    """Returns the images that a CSV file lists, one in a row.

    The first row names the columns: `path` (or image, filename, file) and `label` (or
    class_name, class), and if the set comes split, `split` (train, validation or test;
    also training, valid, val, dev, testing). Others are ignored. Commas, semicolons or
    tabs separate; the encoding is UTF-8. Labels are the class names, without blanks
    around them, sorted by name; if all are numbers, by number. As with a folder, the
    fingerprint covers names, sizes and times of change of the images.

    Args:
        path: The CSV file.
        image_root: What relative paths start from; None for the CSV file's folder.

    Raises:
        DataError: no such file, a column is missing, or a row is wrong (no path, no
            label, a path that leaves `image_root` by `..`, the same image again); names
            file and line. A missing image is told when it is read.
    """
    path = Path(path)
    root = path.parent if image_root is None else Path(image_root)
    rows = _read_rows(path)
    _check_rows(path, rows)
    class_names = tuple(_sort_labels({row.label for row in rows}, path))
    if len(class_names) < 2:
        found = f"only one label, {class_names[0]!r}" if rows else "no rows"
        raise DataError(f"{path}: {found}; images of at least 2 classes are needed")
    numbers = {name: number for number, name in enumerate(class_names)}
    examples, states = [], []
    for row in rows:
        file = root / row.name
        said = f"{path.name}, line {row.line}: {row.name!r}"
        read = functools.partial(read_image_file, file, said)
        examples.append(Example(row.name, numbers[row.label], read, row.split))
        states.append((*row[1:], *state_of_file(file)))
    return Source(
        "csv",
        str(path),
        class_names,
        tuple(examples),
        fingerprint("csv", class_names, states),
    )


def _read_rows(path: Path) -> list[_Row]:
    if path.exists() and not path.is_file():  # opening a pipe might wait forever
        raise DataError(f"{path}: not a regular file")
    try:
        # utf-8-sig: spreadsheets begin a file with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_parse(file, path))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason})") from error


def _parse(file: TextIO, path: Path) -> Iterator[_Row]:
    """Yields the rows; `file` is at its beginning."""
    delimiter = _find_delimiter(file)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        columns = [column.strip().lower() for column in next(reader, [])]
        at_path = _find_column(columns, _PATH_COLUMNS, path)
        at_label = _find_column(columns, _LABEL_COLUMNS, path)
        at_split = columns.index(_SPLIT_COLUMN) if _SPLIT_COLUMN in columns else None
        for cells in reader:
            if not cells:
                continue
            where = f"{path}, line {reader.line_num}"
            if len(cells) != len(columns):
                raise DataError(f"{where}: {len(cells)} columns, not {len(columns)}")
            label = cells[at_label].strip()
            if not label:
                raise DataError(f"{where}: the label is empty")
            split = None if at_split is None else _split(cells[at_split], where)
            yield _Row(reader.line_num, _name(cells[at_path], where), label, split)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def _find_delimiter(file: TextIO) -> str:
    """Returns what separates the names of the columns, the first line's own words."""
    header = file.readline(_MAX_HEADER)
    if len(header) == _MAX_HEADER:
        raise DataError("line 1 is too long for the names of columns")
    file.seek(0)
    words = {*_PATH_COLUMNS, *_LABEL_COLUMNS, _SPLIT_COLUMN}

    def known_words(delimiter: str) -> int:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return len(words & {cell.strip().lower() for cell in cells})

    return max(",;\t", key=known_words)


def _find_column(columns: list[str], names: tuple[str, ...], path: Path) -> int:
    for name in names:
        if name in columns:
            return columns.index(name)
    raise DataError(
        f"{path}, line 1: no column {' or '.join(names)}; the first line must name the "
        f"columns, and names {columns}"
    )


def _name(text: str, where: str) -> str:
    """Returns a path in its shortest form, which tells whether two are the same."""
    if not text.strip():
        raise DataError(f"{where}: the path is empty")
    name = Path(os.path.normpath(text))
    leaves = not name.is_absolute() and name.parts[:1] in ((), (os.pardir,))
    if leaves or "\0" in text:
        raise DataError(f"{where}: {text!r} is no file below the folder of the images")
    return name.as_posix()


def _split(text: str, where: str) -> str | None:
    split = split_of_word(text.strip())
    if split is None and text.strip():
        raise DataError(
            f"{where}: split {text!r}; must be one of {', '.join(SPLIT_WORDS)}"
        )
    return split


def _check_rows(path: Path, rows: list[_Row]) -> None:
    """Refuses images that are listed twice, and a split that only some rows have."""
    lines: dict[str, int] = {}
    for row in rows:
        first = lines.setdefault(row.name, row.line)
        if first != row.line:
            raise DataError(
                f"{path}, line {row.line}: {row.name!r} was already on line {first}"
            )
        if (row.split is None) != (rows[0].split is None):
            raise DataError(
                f"{path}, line {row.line}: the split is "
                f"{row.split or 'empty'}, and {rows[0].split or 'empty'} on line "
                f"{rows[0].line}; give it on every line or on none"
            )


def _sort_labels(labels: set[str], path: Path) -> list[str]:
    if not all(_NUMBER.fullmatch(label) for label in labels):
        return sorted(labels)
    ordered = sorted(sorted(labels), key=decimal.Decimal)
    for one, other in itertools.pairwise(ordered):
        if decimal.Decimal(one) == decimal.Decimal(other):
            raise DataError(f"{path}: labels {one!r} and {other!r} are the same number")
    return ordered
