"""`kerastpu import MODEL.onnx --to MODEL.keras`: an ONNX network for Keras."""  # noqa: N999

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from kerastpu import backend, files
from kerastpu.cli import parsing
from kerastpu.errors import KerastpuError, UsageError


@dataclass(frozen=True)
class ImportArguments:
    """Makes a trainable Keras model of an ONNX file, checked by ONNX Runtime.

    With --scale, --offset or --channel-order the model takes pixels 0..255 and gives
    the network pixel * scale - offset.
    """

    model: tyro.conf.Positional[Path]
    """An ONNX file."""
    to: Path
    """Keras file to write, `.keras`."""
    scale: float | None = None
    """Factor of each pixel."""
    offset: tuple[float, ...] = ()
    """Subtracted after that: one number, or one for each channel of the network."""
    channel_order: Literal["rgb", "bgr"] = "rgb"
    """What the network takes; images are red, green, blue."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ImportArguments, arguments, "import")
    if parsed.to.suffix != ".keras":
        raise UsageError(f"--to must end in .keras; got {parsed.to}")
    backend.select()
    from kerastpu.importers import importing, parity, refusals, report

    try:
        imported = importing.convert(
            parsed.model,
            scale=parsed.scale,
            offset=parsed.offset or None,
            channel_order=parsed.channel_order,
        )
    except refusals.UnsupportedModelError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise KerastpuError(f"{parsed.model}: {error.summary}") from None
    found = parity.measure(imported, parsed.model)
    told = report.facts(imported, found)
    if not found.is_close:
        raise KerastpuError(
            f"{parsed.model}: the model and ONNX Runtime differ by up to "
            f"{found.difference:.2g} where outputs are up to {found.largest:.3g}; "
            f"{parity.TOLERANCE:g} is allowed; nothing was written"
        )
    with files.replacing(parsed.to) as other:
        imported.model.save(other)
    print(json.dumps(told, indent=2) if parsed.json else report.text(told))
    return 0
