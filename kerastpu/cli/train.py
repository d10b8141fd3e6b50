"""`kerastpu train [PRESET]`: one run from data to a saved, scored model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from kerastpu import presets
from kerastpu.cli import parsing, report
from kerastpu.config import Config


@dataclass(frozen=True)
class TrainArguments:
    """Trains a preset on your images, scores it on held-out ones and saves it."""

    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)
    workdir: Path | None = None
    """Run folder; None = runs/PRESET. A finished run is not run again."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    name, rest = "flowers", list(arguments)
    if rest and not rest[0].startswith("-"):
        name, rest = rest[0], rest[1:]
    default = TrainArguments(config=presets.get(name))
    parsed = parsing.parse(TrainArguments, rest, f"train {name}", default)
    parsed.config.validate()
    parsing.log_to_stderr()
    from kerastpu.training import train  # after the arguments are known to be good

    result = train(parsed.config, parsed.workdir or Path("runs") / name)
    print(report.of_run(result))
    return 0
