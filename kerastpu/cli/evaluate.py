"""`kerastpu evaluate RUN`: score a finished run again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from kerastpu import runs
from kerastpu.cli import parsing, report


@dataclass(frozen=True)
class EvaluateArguments:
    """Scores the saved model of a finished run."""

    run: tyro.conf.Positional[Path]
    """A run folder."""
    split: Literal["train", "validation", "test", "all"] = "test"
    """Which images; all = every image of --data."""
    data: str | None = None
    """Other data with the same class names; None = what the run was trained on."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(EvaluateArguments, arguments, "evaluate")
    finished = runs.load_run(parsed.run)
    from kerastpu import scoring

    scores = scoring.score_run(finished, split=parsed.split, data=parsed.data)
    values = scores.to_dict()
    print(json.dumps(values, indent=2) if parsed.json else report.of_scores(values))
    return 0
