"""`kerastpu train [PRESET]`: one run from data to a saved, scored model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from kerastpu import calibration
from kerastpu.cli import parsing, preset, report
from kerastpu.config import Config


@dataclass(frozen=True)
class TrainArguments:
    """Trains a preset on your images, scores it on held-out ones and saves it."""

    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)
    workdir: Path | None = None
    """Run folder; None = runs/PRESET. A finished run is not run again."""
    estimate: bool = False
    """Measure for some seconds how long it would take on this machine, print that with
    its sizes, and train nothing."""
    json: bool = False
    """Print one JSON object: the estimate, or what result.json holds."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = preset.parse(TrainArguments, arguments, "train")
    parsed.config.validate()
    parsing.log_to_stderr()
    if parsed.estimate:
        found = calibration.estimate(parsed.config)
        print(_as_json(found.to_dict()) if parsed.json else found.table())
        return 0
    from kerastpu.training import train  # after the arguments are known to be good

    result = train(parsed.config, parsed.workdir or Path("runs") / parsed.config.preset)
    print(_as_json(result.result) if parsed.json else report.of_run(result))
    return 0


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2)
