"""`kerastpu train [PRESET]`: one run from data to a saved, scored model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from kerastpu.cli import parsing, preset, report
from kerastpu.config import Config


@dataclass(frozen=True)
class TrainArguments:
    """Trains a preset on your images, scores it on held-out ones and saves it."""

    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)
    workdir: Path | None = None
    """Run folder; None = runs/PRESET. A finished run is not run again."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = preset.parse(TrainArguments, arguments, "train")
    parsed.config.validate()
    parsing.log_to_stderr()
    from kerastpu.training import train  # after the arguments are known to be good

    result = train(parsed.config, parsed.workdir or Path("runs") / parsed.config.preset)
    print(report.of_run(result))
    return 0
