"""What `kerastpu weights` does: from a run or a file to a table or another file."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerastpu import data_text, files, model_opening, runs, text_table
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.weight_tables import table_files, variables
from kerastpu.weight_tables.variables import StoredVariable, VariableStatistics

if TYPE_CHECKING:
    import keras

WEIGHTS_ONLY, WHOLE = ".weights.h5", ".keras"
_FIGURES = ("mean", "std", "min", "max", "norm")


def describe(source: Path, load: Path | None = None) -> list[VariableStatistics]:
    """Sums up each variable.

    Args:
        source: Folder of a run, or a file: .keras, .onnx, .weights.h5, .h5.
        load: Table of numbers that the network gets first; for a network only.

    Raises:
        UsageError: there is nothing like that, or `load` has no network.
        KerastpuError: a file is damaged, or of another network.
    """
    with _open(source, load) as found:
        return variables.describe(found)


def write(
    source: Path, out: Path, *, load: Path | None = None, values: bool = False
) -> None:
    """Writes weights in another form, whole or not at all.

    Args:
        source: See `describe`.
        out: Its ending says what is written: `.csv` or `.parquet` a table,
            `.weights.h5` the weights only, `.keras` the whole network, with what a run
            keeps in the file beside it.
        load: See `describe`.
        values: Whether the table has a row for each number.

    Raises:
        UsageError: `out` ends otherwise, or the source has weights only.
        KerastpuError: a file is damaged, or of another network.
        OSError: it cannot be written.
    """
    name = out.name.lower()
    if name.endswith((WEIGHTS_ONLY, WHOLE)):
        if values:
            raise UsageError(f"--values goes with a table, .csv or .parquet; got {out}")
        _save(_open_network(source, load), source, out)
        return
    if out.suffix.lower() not in table_files.ENDINGS:
        endings = (*table_files.ENDINGS, WEIGHTS_ONLY, WHOLE)
        raise UsageError(f"--out must end in {', '.join(endings)}; got {out}")
    table_files.check(out)
    with _open(source, load) as found:
        if values:
            table_files.write_values(found, out)
        else:
            table_files.write_statistics(variables.describe(found), out)


def text(rows: Sequence[VariableStatistics]) -> str:
    """Returns a line for each variable, and the sum."""
    header = [field.name for field in dataclasses.fields(VariableStatistics)]
    lines = text_table.lines(header, list(map(_texts, rows)), ("number", *_FIGURES))
    total = f"{len(rows):,} variables, {sum(row.number for row in rows):,} numbers"
    return data_text.printable("\n".join([*lines, "", total]))


def to_dict(row: VariableStatistics) -> dict[str, Any]:
    """Returns plain values, ready for `json`: what is not finite is None."""
    plain = dataclasses.asdict(row)
    for name in _FIGURES:
        if plain[name] is not None and not math.isfinite(plain[name]):
            plain[name] = None
    return plain


def _texts(row: VariableStatistics) -> tuple[str, ...]:
    figures = (getattr(row, name) for name in _FIGURES)
    return (
        *(row.layer, row.variable, "x".join(map(str, row.shape)) or "1", row.dtype),
        f"{row.number:,}",
        *("-" if figure is None else f"{figure:.4g}" for figure in figures),
    )


@contextlib.contextmanager
def _open(source: Path, load: Path | None) -> Iterator[list[StoredVariable]]:
    """Opens the variables of a network, or of a file that has weights only."""
    if source.suffix == ".h5" and not source.is_dir():
        if load is not None:
            raise UsageError(f"--load needs a network; {source} has weights only")
        with variables.open_file(source) as found:
            yield found
    else:
        yield variables.of_model(_open_network(source, load))


def _open_network(source: Path, load: Path | None) -> keras.Model:
    if source.suffix == ".h5" and not source.is_dir():
        raise UsageError(
            f"{source} has weights only: there is no network to be written; give the "
            ".keras file or the run"
        )
    if not source.exists():
        raise KerastpuError(f"no run and no file at {source}")
    model = model_opening.open_model(str(source))
    if load is not None:
        table_files.load_values(model, load)
    return model


def _save(model: keras.Model, source: Path, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(out) as temporary:
        if out.name.lower().endswith(WEIGHTS_ONLY):
            model.save_weights(temporary)
            return
        model.save(temporary)
        card = _card(source)
        if card is not None:
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(runs.CARD, card)


def _card(source: Path) -> bytes | None:
    """Returns what a run keeps in its model file: class names and more."""
    path = source / runs.MODEL if source.is_dir() else source
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return archive.read(runs.CARD) if runs.CARD in archive.namelist() else None
