"""`kerastpu tune export FOLDER`: all epochs of all trials as one table."""

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from kerastpu import files
from kerastpu.cli import parsing


@dataclass(frozen=True)
class ExportArguments:
    """Writes a CSV with a row for each epoch of each trial."""

    folder: tyro.conf.Positional[Path]
    """Of the search, or of one of its studies."""
    out: Path | None = None
    """The file; None = print it."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ExportArguments, arguments, "tune export")
    from kerastpu.tuning import opening

    rows = [row for one in opening.studies(parsed.folder) for row in _rows(one)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if parsed.out is None:
        _write(sys.stdout, columns, rows)
        return 0
    with (
        files.replacing(parsed.out) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        _write(file, columns, rows)
    print(f"{len(rows)} rows: {parsed.out}")
    return 0


def _write(file: Any, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)


def _rows(one: Any) -> list[dict[str, Any]]:
    return [
        {
            "study": one.name,
            "trial": trial.number,
            "cohort": trial.cohort,
            "state": trial.state,
            "epoch": epoch,
            **row,
            **trial.values,
        }
        for trial in one.study.trials
        if trial.number in one.study.facts
        for epoch, row in enumerate(one.study.facts[trial.number].rows, start=1)
    ]
