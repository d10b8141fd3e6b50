"""`kerastpu runs list [FOLDER]`: the runs below a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing


@dataclass(frozen=True)
class ListArguments:
    """Lists the runs in and below a folder, the best test accuracy first."""

    folder: tyro.conf.Positional[Path] = Path("runs")
    """Where to look, up to 4 folders deep."""
    json: bool = False
    """Print one JSON array."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ListArguments, arguments, "runs list")
    from kerastpu import run_records, run_text

    records = run_records.find(parsed.folder)
    if parsed.json:
        print(json.dumps([record.to_dict() for record in records], indent=2))
    else:
        print(run_text.of_list(records))
    return 0
