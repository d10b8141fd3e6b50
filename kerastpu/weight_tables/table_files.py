"""Tables of weights as CSV and Parquet files, and weights from such a table.

CSV has the shortest decimal numbers that stand for exactly one float of the type, and
Parquet the numbers themselves: what is read is what was written, bit for bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu import files, optional
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.weight_tables import csv_files, parquet_files
from kerastpu.weight_tables import variables as weights
from kerastpu.weight_tables.variables import (
    VALUE_COLUMNS,
    StoredVariable,
    VariableStatistics,
)

if TYPE_CHECKING:
    import keras

ENDINGS = (".csv", ".parquet")

Values = dict[tuple[str, str], np.ndarray]


def check(path: Path) -> None:
    """Refuses a table that is neither CSV nor Parquet.

    Raises:
        UsageError: `path` has another ending.
        MissingExtraError: it is Parquet, and pyarrow is not installed.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"a table must end in {' or '.join(ENDINGS)}; got {path}")
    if path.suffix.lower() == ".parquet":
        optional.require("pyarrow")


def write_statistics(rows: Sequence[VariableStatistics], path: Path) -> None:
    """Writes a row for each variable, whole or not at all.

    Args:
        rows: Of `variables.describe`.
        path: Ends in .csv (shapes as 3x3x64) or .parquet (shapes as lists).

    Raises:
        UsageError: `path` has another ending.
        MissingExtraError: pyarrow is needed and not installed.
        OSError: it cannot be written.
    """
    check(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            names = [field.name for field in dataclasses.fields(VariableStatistics)]
            csv_files.write(temporary, names, map(_csv_cells, rows))
        else:
            parquet_files.write_statistics(temporary, rows)


def _csv_cells(row: VariableStatistics) -> list[Any]:
    cells = dataclasses.asdict(row) | {"shape": "x".join(map(str, row.shape))}
    return [*cells.values()]


def write_values(variables: Sequence[StoredVariable], path: Path) -> None:
    """Writes a row for each number, whole or not at all.

    The columns are layer, variable, index (of the flat array, the last axis first to
    change) and value. A network of 25 million weights makes as many rows.

    Args:
        variables: Read one after the other.
        path: Ends in .csv or .parquet.

    Raises:
        UsageError: `path` has another ending.
        MissingExtraError: pyarrow is needed and not installed.
        OSError: it cannot be written.
    """
    check(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            rows = csv_files.value_rows(variables)
            csv_files.write(temporary, VALUE_COLUMNS, rows)
        else:
            parquet_files.write_values(temporary, variables)


def read_values(path: Path) -> Values:
    """Reads a table of numbers.

    Args:
        path: Written by `write_values`, perhaps with other numbers since; its rows may
            have been sorted.

    Returns:
        (layer, variable) -> float64 (number of values,), in the order of the index.

    Raises:
        UsageError: `path` has another ending.
        MissingExtraError: pyarrow is needed and not installed.
        KerastpuError: there is no such file, or it is no such table; says where.
    """
    check(path)
    if not path.is_file():
        raise KerastpuError(f"{path}: no such table")
    is_csv = path.suffix.lower() == ".csv"
    read = csv_files.read_values if is_csv else parquet_files.read_values
    parts: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for key, indices, values in read(path):
        parts.setdefault(key, []).append((indices, values))
    return {key: _in_order(key, found, path) for key, found in parts.items()}


def load_values(model: keras.Model, path: Path) -> None:
    """Gives a model the numbers of a table: all of its weights, or none.

    Args:
        model: Changed in place; on an error it is as it was.
        path: See `read_values`.

    Raises:
        UsageError: `path` has another ending.
        MissingExtraError: pyarrow is needed and not installed.
        KerastpuError: the table is missing or damaged, or of another network.
    """
    table = read_values(path)
    targets = {(v.layer, v.name): own for v, own in weights.with_variables(model)}
    for what, keys in (
        ("lacks", targets.keys() - table.keys()),
        ("holds, which the model does not,", table.keys() - targets.keys()),
    ):
        if keys:
            raise KerastpuError(f"{path}: {what} {'/'.join(min(keys))}")
    arrays = {}
    for key, variable in targets.items():
        size = int(np.prod(variable.shape))
        if table[key].size != size:
            raise KerastpuError(
                f"{path}: {'/'.join(key)} has {table[key].size} values; the model has "
                f"{size}"
            )
        arrays[key] = table[key].reshape(variable.shape)
    for key, variable in targets.items():
        variable.assign(arrays[key])


def _in_order(
    key: tuple[str, str], parts: Sequence[tuple[np.ndarray, np.ndarray]], path: Path
) -> np.ndarray:
    """Returns the values by their index, which must be 0, 1, 2, ..."""
    indices, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(indices, kind="stable")
    if not np.array_equal(indices[order], np.arange(indices.size)):
        raise KerastpuError(
            f"{path}: the indices of {'/'.join(key)} must be 0..{indices.size - 1}, "
            "each once"
        )
    return values[order].astype(np.float64)
