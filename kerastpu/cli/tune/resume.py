"""`kerastpu tune resume FOLDER`: goes on with a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing
from kerastpu.cli.tune import begin


@dataclass(frozen=True)
class ResumeArguments:
    """Goes on with a search that was stopped or killed, as it was begun."""

    folder: tyro.conf.Positional[Path]
    """Of the search."""
    final_epochs: int | None = None
    """Epochs of the winner when it is trained anew; None = as many as the longest
    trial."""
    winner: bool = True
    """Train the winner and score it once on the test split."""
    baseline: bool = False
    """Also train the preset as it is, to compare."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ResumeArguments, arguments, "tune resume")
    from kerastpu.tuning import plans

    config, plan = plans.read(parsed.folder)
    parsing.log_to_stderr()
    return begin.search(
        config,
        parsed.folder,
        plan,
        final_epochs=parsed.final_epochs,
        has_winner=parsed.winner,
        has_baseline=parsed.baseline,
        as_json=parsed.json,
    )
