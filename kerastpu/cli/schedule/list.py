"""`kerastpu schedule list`: the shapes by name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerastpu.cli import parsing, picture

EPOCHS, STEPS_PER_EPOCH = 40, 50


@dataclass(frozen=True)
class ListArguments:
    """Lists the shapes of the learning rate, and the fields that each reads."""

    out: Path | None = None
    """PNG file with a small picture of each; None = print only."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ListArguments, arguments, "schedule list")
    picture.check(parsed.out)
    from kerastpu import schedule_text
    from kerastpu.schedules import SHAPES

    if parsed.json:
        print(json.dumps({name: shape._asdict() for name, shape in SHAPES.items()}))
    else:
        print(schedule_text.of_shapes())
    if parsed.out is not None:
        from kerastpu.schedules import planning, plots

        rates = planning.examples(EPOCHS, STEPS_PER_EPOCH)
        figure = plots.compare(rates, EPOCHS, STEPS_PER_EPOCH)
        picture.save(figure, parsed.out, parsed.json)
    return 0
