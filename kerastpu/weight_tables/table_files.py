"""Tables of weights as CSV and Parquet files, and weights from such a table.

CSV has the shortest decimal numbers that stand for exactly one float of the type, and
Parquet the numbers themselves: what is read is what was written, bit for bit.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu import files, optional
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.weight_tables import variables as weights
from kerastpu.weight_tables.variables import StoredVariable, VariableStatistics

if TYPE_CHECKING:
    import keras

ENDINGS = (".csv", ".parquet")
VALUE_COLUMNS = ("layer", "variable", "index", "value")
_CHUNK = 65_536  # rows that are formatted together

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
    names = [field.name for field in dataclasses.fields(VariableStatistics)]
    records = [dataclasses.asdict(row) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            for record in records:
                record["shape"] = "x".join(map(str, record["shape"]))
            _write_csv(temporary, names, ([*r.values()] for r in records))
        else:
            import pyarrow
            from pyarrow import parquet

            columns = {name: [record[name] for record in records] for name in names}
            table = pyarrow.table(columns, schema=_statistics_schema())
            parquet.write_table(table, temporary)


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
            _write_csv(temporary, VALUE_COLUMNS, _value_rows(variables))
        else:
            _write_value_parquet(temporary, variables)


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
    batches = _read_csv(path) if is_csv else _read_parquet(path)
    parts: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for key, indices, values in batches:
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


def _write_csv(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _value_rows(variables: Sequence[StoredVariable]) -> Iterator[list[Any]]:
    for variable in variables:
        values = variable.read().ravel()
        for start in range(0, values.size, _CHUNK):
            texts = map(str, values[start : start + _CHUNK])
            for index, text in enumerate(texts, start=start):
                yield [variable.layer, variable.name, index, text]


def _read_csv(path: Path) -> Iterator[tuple[tuple[str, str], Any, Any]]:
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


def _statistics_schema() -> Any:
    import pyarrow

    text, whole, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    types = [text, text, pyarrow.list_(whole), text, whole, *[real] * 5]
    names = [field.name for field in dataclasses.fields(VariableStatistics)]
    return pyarrow.schema(list(zip(names, types, strict=True)))


def _write_value_parquet(path: Path, variables: Sequence[StoredVariable]) -> None:
    """Writes a group of rows for each variable; float64 holds every other type."""
    import pyarrow
    from pyarrow import parquet

    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    types = (text, text, pyarrow.int64(), pyarrow.float64())
    schema = pyarrow.schema(list(zip(VALUE_COLUMNS, types, strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        for variable in variables:
            values = variable.read().astype(np.float64).ravel()
            names = (
                pyarrow.DictionaryArray.from_arrays(
                    np.zeros(values.size, np.int32), [name]
                )
                for name in (variable.layer, variable.name)
            )
            columns = [*names, np.arange(values.size), values]
            writer.write_table(pyarrow.table(columns, schema=schema))


def _read_parquet(path: Path) -> Iterator[tuple[tuple[str, str], Any, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        if tuple(file.schema_arrow.names) != VALUE_COLUMNS:
            raise KerastpuError(
                f"{path}: its columns must be {', '.join(VALUE_COLUMNS)}"
            )
        for batch in file.iter_batches(_CHUNK):
            yield from _split(batch)
    except (ValueError, OSError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise KerastpuError(f"{path}: no such table, or damaged: {reason}") from None


def _split(batch: Any) -> Iterator[tuple[tuple[str, str], Any, Any]]:
    """Yields the rows of a batch by variable.

    Raises:
        ValueError: a cell is empty, or of another type.
    """
    if any(batch.column(name).null_count for name in VALUE_COLUMNS):
        raise ValueError("it has empty cells")
    encoded = [batch.column(name).dictionary_encode() for name in VALUE_COLUMNS[:2]]
    codes = np.stack([np.asarray(column.indices) for column in encoded])
    names = [column.dictionary.to_pylist() for column in encoded]
    indices = np.asarray(batch.column("index")).astype(np.int64)
    values = np.asarray(batch.column("value")).astype(np.float64)
    found, places = np.unique(codes, axis=1, return_inverse=True)
    for number, (layer, variable) in enumerate(found.T):
        mask = places.ravel() == number
        key = str(names[0][layer]), str(names[1][variable])
        yield key, indices[mask], values[mask]
