"""`kerastpu tune show FOLDER`: the trials of a search."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing


@dataclass(frozen=True)
class ShowArguments:
    """Shows the trials of a search, the best first; also while it goes on."""

    folder: tyro.conf.Positional[Path]
    """Of the search, or of one of its studies."""
    limit: int = 20
    """Trials of each study, at most."""
    json: bool = False
    """Print one JSON object: all trials with their epochs."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ShowArguments, arguments, "tune show")
    from kerastpu.tuning import opening, study_text

    opened = opening.studies(parsed.folder)
    if parsed.json:
        studies = {
            one.name: {
                "settings": json.loads(one.settings.to_json()),
                "trials": [
                    trial.to_dict() | asdict(one.study.facts[trial.number])
                    for trial in one.study.trials
                    if trial.number in one.study.facts
                ],
            }
            for one in opened
        }
        print(json.dumps(studies, indent=2))
        return 0
    for one in opened:
        print(f"{one.name}: {study_text.headline(one.study, one.settings)}")
        print("\n".join(study_text.table(one.study, one.settings, parsed.limit)), "\n")
    return 0
