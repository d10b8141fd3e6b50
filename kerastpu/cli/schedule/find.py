"""`kerastpu schedule find [PRESET]`: a range test on the preset's own data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from kerastpu.cli import parsing, picture, preset
from kerastpu.config import Config


@dataclass(frozen=True)
class FindArguments:
    """Trains for some steps with a rising learning rate, and keeps nothing of it.

    The batches are the preset's training batches, features mode included: there the
    head is tested. Schedule, epochs and the learning rate of the config play no part.
    """

    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)
    out: Path | None = None
    """PNG file of loss by learning rate; None = print only."""
    low: float = 1e-6
    """First learning rate, above 0."""
    high: float = 10.0
    """Last learning rate."""
    steps: int = 100
    """Steps from the first to the last, at least 10."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = preset.parse(FindArguments, arguments, "schedule find")
    picture.check(parsed.out)
    parsed.config.validate()
    parsing.log_to_stderr()
    from kerastpu import lr_preset, schedule_text

    found = lr_preset.find(
        parsed.config, low=parsed.low, high=parsed.high, num_steps=parsed.steps
    )
    if parsed.json:
        facts = {"num_replicas": found.num_replicas, **found.result.to_dict()}
        print(json.dumps(facts, indent=2))
    else:
        optimizer = parsed.config.optimizer
        text = schedule_text.of_range_test(found.result, optimizer, found.num_replicas)
        print(text)
    if parsed.out is not None:
        from kerastpu.schedules import plots

        picture.save(plots.range_test(found.result), parsed.out, parsed.json)
    return 0
