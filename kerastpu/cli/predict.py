"""`kerastpu predict RUN image...`: name the class of image files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu import runs
from kerastpu.cli import parsing


@dataclass(frozen=True)
class PredictArguments:
    """Names the class of image files."""

    run: tyro.conf.Positional[Path]
    """A run folder."""
    images: tyro.conf.Positional[tuple[Path, ...]]
    """Image files."""
    json: bool = False
    """Print a JSON array, an object an image."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(PredictArguments, arguments, "predict")
    finished = runs.load_run(parsed.run)
    from kerastpu import scoring

    predictions = scoring.predict_files(finished, parsed.images)
    if parsed.json:
        print(json.dumps([item.to_dict() for item in predictions], indent=2))
        return 0
    for item in predictions:
        second = sorted(item.probabilities.items(), key=lambda pair: -pair[1])[1]
        print(
            f"{item.path}: {item.label} {item.probability:.1%} "
            f"(then {second[0]} {second[1]:.1%})"
        )
    return 0
