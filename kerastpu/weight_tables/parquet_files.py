"""Tables of weights as Parquet, by pyarrow; numbers are float64, which holds all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.weight_tables.variables import (
    VALUE_COLUMNS,
    Part,
    StoredVariable,
    VariableStatistics,
)

_CHUNK = 65_536  # rows that are read together


def write_statistics(path: Path, rows: Sequence[VariableStatistics]) -> None:
    """Writes a row for each variable; shapes are lists."""
    import pyarrow
    from pyarrow import parquet

    text, whole, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    types = [text, text, pyarrow.list_(whole), text, whole, *[real] * 5]
    names = [field.name for field in dataclasses.fields(VariableStatistics)]
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    schema = pyarrow.schema(list(zip(names, types, strict=True)))
    parquet.write_table(pyarrow.table(columns, schema=schema), path)


def write_values(path: Path, variables: Sequence[StoredVariable]) -> None:
    """Writes a row for each number, a group of rows for each variable."""
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


def read_values(path: Path) -> Iterator[Part]:
    """Yields the rows of a table of numbers, those of one variable together.

    Raises:
        KerastpuError: it is no such table, or damaged.
    """
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


def _split(batch: Any) -> Iterator[Part]:
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
