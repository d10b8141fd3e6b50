"""`kerastpu schedule plot [PRESET]`: the learning rate of a run that is not run."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from kerastpu.cli import picture, preset
from kerastpu.config import Config
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class PlotArguments:
    """Draws and prints the learning rate of a preset with its flags; needs no data."""

    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)
    out: Path | None = None
    """PNG file to draw; None = print only."""
    epochs: int | None = None
    """Epochs; None = training.epochs."""
    num_images: int | None = None
    """Training images, at least 1; None = those of --data where it is a data set known
    by name, else 1000."""
    replicas: int = 1
    """Replicas that share a step, 1..100000."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = preset.parse(PlotArguments, arguments, "schedule plot")
    picture.check(parsed.out)
    config = _config(parsed)
    if parsed.num_images is not None and parsed.num_images < 1:
        raise UsageError(f"--num-images must be at least 1; got {parsed.num_images}")
    if not 1 <= parsed.replicas <= 100_000:
        raise UsageError(f"--replicas must be 1..100000; got {parsed.replicas}")
    from kerastpu import schedule_text
    from kerastpu.schedules import planning

    plan = planning.plan(
        config, num_images=parsed.num_images, num_replicas=parsed.replicas
    )
    print(
        json.dumps(plan.to_dict(), indent=2)
        if parsed.json
        else schedule_text.of_plan(plan)
    )
    if parsed.out is not None:
        from kerastpu.schedules import plots

        figure = plots.run(plan.curve, plan.steps_per_epoch)
        picture.save(figure, parsed.out, parsed.json)
    return 0


def _config(parsed: PlotArguments) -> Config:
    """Returns the config with --epochs, once it has proved good."""
    config = parsed.config
    if parsed.epochs is not None:
        training = dataclasses.replace(config.training, epochs=parsed.epochs)
        config = dataclasses.replace(config, training=training)
    config.validate()
    return config
