"""`kerastpu export RUN`: a trained model for other runtimes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing


@dataclass(frozen=True)
class ExportArguments:
    """Writes a trained model for other runtimes, and compares each file with it.

    Every file takes uint8 images and gives probabilities, has the class names inside,
    and is run by its own runtime on the run's test images.
    """

    source: tyro.conf.Positional[Path]
    """A run folder, or a .keras file."""
    to: str = "keras,savedmodel,onnx,litert"
    """Formats, with commas between them: keras, savedmodel, onnx, litert."""
    precision: str = "float32"
    """Number formats of onnx and litert, with commas between them: float32, float16
    (weights in half the room), float16_compute (onnx alone, for GPUs), int8 (calibrated
    on training images)."""
    out: Path | None = None
    """Folder; an earlier export there is replaced. None = RUN/export, or MODEL_export
    beside MODEL.keras."""
    data: str | None = None
    """Images to check on, as `kerastpu train --data` takes them. None = those of the
    run; for a .keras file random pixels."""
    keep_batch_norm: bool = False
    """onnx: leave BatchNorm an operator of its own, so that a network which is imported
    from the file trains as the model does. Else it is folded into the convolutions,
    which is faster."""
    json: bool = False
    """Print one JSON object: what export.json holds."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ExportArguments, arguments, "export")
    parsing.log_to_stderr()
    from kerastpu import export
    from kerastpu.export import report

    def show(result: export.ExportResult) -> None:
        text = json.dumps(result.to_dict(), indent=2)
        print(text if parsed.json else report.of_result(result))

    try:
        result = export.export(
            parsed.source,
            parsed.out,
            formats=_words(parsed.to),
            precisions=_words(parsed.precision),
            data=parsed.data,
            keep_batch_norm=parsed.keep_batch_norm,
        )
    except export.ExportError as error:
        show(error.result)
        raise
    show(result)
    return 0


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split())
