"""`kerastpu tune work FOLDER ADDRESS`: one worker of a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing


@dataclass(frozen=True)
class WorkArguments:
    """Trains trials that a search with --listen lends, until nothing is left."""

    folder: tyro.conf.Positional[Path]
    """Of the search, on a disk that chief and workers share."""
    address: tyro.conf.Positional[str]
    """Of the chief, as it was given with --listen."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(WorkArguments, arguments, "tune work")
    parsing.log_to_stderr()
    from kerastpu.tuning import team

    done = team.work(parsed.folder, parsed.address)
    print(f"{done} jobs done")
    return 0
