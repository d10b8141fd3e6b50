"""`kerastpu summary MODEL`: its layers as a table, its cost, a diagram."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from kerastpu import backend
from kerastpu.cli import parsing
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class SummaryArguments:
    """Shows what a network is made of and what it costs; it is not run."""

    model: tyro.conf.Positional[str]
    """A run folder, a .keras or .onnx file, or a name that `kerastpu models` lists."""
    style: Literal["keras", "sas", "dl4j"] = "keras"
    """keras = its columns with operations, receptive field and memory beside; sas =
    SAS's information and summary; dl4j = Deeplearning4j's graph."""
    image_size: int | None = None
    """Height and width in pixels, for a name; None = those of its source."""
    batch_size: int = 1
    """Images in a batch, for the memory; 1 or more."""
    diagram: Path | None = None
    """Draw the network here, as .png or .svg."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(SummaryArguments, arguments, "summary")
    if parsed.batch_size < 1:
        raise UsageError(f"--batch-size must be at least 1; got {parsed.batch_size}")
    from kerastpu.summaries import diagram

    if parsed.diagram is not None:
        diagram.check(parsed.diagram)
    backend.select()
    from kerastpu import data_text, model_opening, summaries

    model = model_opening.open_model(parsed.model, image_size=parsed.image_size)
    measures = summaries.measure(model, parsed.batch_size)
    style = summaries.STYLES[parsed.style]
    if parsed.json:
        print(json.dumps(style.to_dict(measures), indent=2))
    else:
        print(data_text.printable(style.text(measures)))
    if parsed.diagram is not None:
        diagram.save(measures, parsed.diagram)
        if not parsed.json:
            print(f"diagram: {parsed.diagram}")
    return 0
