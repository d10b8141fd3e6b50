"""Tables of weights as CSV: shortest decimals that stand for one float of the type."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.weight_tables.variables import VALUE_COLUMNS, Part, StoredVariable

_CHUNK = 65_536  # rows that are formatted or returned together


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a table; texts with commas are quoted."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def value_rows(variables: Sequence[StoredVariable]) -> Iterator[Sequence[Any]]:
    """Yields the cells of each number, in the order of `VALUE_COLUMNS`."""
    for variable in variables:
        values = variable.read().ravel()
        for start in range(0, values.size, _CHUNK):
            texts = map(str, values[start : start + _CHUNK])
            for index, text in enumerate(texts, start=start):
                yield [variable.layer, variable.name, index, text]


def read_values(path: Path) -> Iterator[Part]:
    """Yields the rows of a table of numbers, neighbors of one variable together.

    Raises:
        KerastpuError: a line is no row of such a table; names it.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file, strict=True)
        try:
            if tuple(next(reader, ())) != VALUE_COLUMNS:
                raise KerastpuError(
                    f"{path}: its first line must be {','.join(VALUE_COLUMNS)}"
                )
            key: tuple[str, str] | None = None
            rows: list[tuple[int, float]] = []
            for layer, variable, index, value in reader:
                if (layer, variable) != key or len(rows) == _CHUNK:
                    if key:
                        yield (key, *_columns(rows))
                    key, rows = (layer, variable), []
                rows.append((int(index), float(value)))
            if key:
                yield (key, *_columns(rows))
        except (ValueError, csv.Error) as error:
            raise KerastpuError(
                f"{path}: line {reader.line_num} is no row of such a table: {error}"
            ) from None


def _columns(rows: Sequence[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    indices, values = zip(*rows, strict=True)
    return np.array(indices), np.array(values)
