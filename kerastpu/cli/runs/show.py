"""`kerastpu runs show RUN`: one run folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing


@dataclass(frozen=True)
class ShowArguments:
    """Shows what a run was, how far it came and how well it did."""

    run: tyro.conf.Positional[Path]
    """A run folder, finished or not."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ShowArguments, arguments, "runs show")
    from kerastpu import run_records, run_text

    record = run_records.read(parsed.run)
    if parsed.json:
        print(json.dumps(record.to_dict(), indent=2))
    else:
        print(run_text.of_record(record))
    return 0
