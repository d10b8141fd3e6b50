"""Which files an export makes, and how well each has to agree with its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kerastpu import optional
from kerastpu.errors import UsageError

FORMATS = ("keras", "savedmodel", "onnx", "litert")
# float16 stores weights in half the room and computes in float32; float16_compute
# computes in float16 too, where the processor can.
PRECISIONS = ("float32", "float16", "float16_compute", "int8")

# Share of the images whose most probable class must be that of the model, 0..1.
MIN_AGREEMENT = {
    "float32": 0.999,
    "float16": 0.999,
    "float16_compute": 0.999,
    "int8": 0.98,
}
# Largest difference of a probability. The shorter formats round by design, and only
# their classes are judged.
MAX_DIFFERENCE = {"float32": 1e-3}

_PACKAGES = {"onnx": ("onnx", "onnxruntime", "tf2onnx")}
_FILES = {
    "keras": {"float32": "model.keras"},
    "savedmodel": {"float32": "saved_model"},
    "onnx": {
        "float32": "model.onnx",
        "float16": "model.float16.onnx",
        "float16_compute": "model.float16_compute.onnx",
        "int8": "model.int8.onnx",
    },
    "litert": {
        "float32": "model.tflite",
        "float16": "model.float16.tflite",
        "int8": "model.int8.tflite",
    },
}


@dataclass(frozen=True)
class Target:
    """One file to make; a SavedModel is a folder.

    Attributes:
        format: One of `FORMATS`.
        precision: One of `PRECISIONS`.
    """

    format: str
    precision: str

    @property
    def file(self) -> str:
        """Name in the export folder."""
        return _FILES[self.format][self.precision]


ALL = tuple(Target(kind, name) for kind, files in _FILES.items() for name in files)


def choose(formats: Sequence[str], precisions: Sequence[str]) -> tuple[Target, ...]:
    """Returns what to make, in the order of `ALL`.

    Raises:
        UsageError: a name that is not known, none at all, or a format that does not
            come in any of the precisions.
        MissingExtraError: a format's package is not installed.
    """
    _check_names("--to", formats, FORMATS)
    _check_names("--precision", precisions, PRECISIONS)
    for kind in formats:
        if not set(_FILES[kind]) & set(precisions):
            raise UsageError(
                f"--to {kind} comes in {', '.join(_FILES[kind])} alone; got "
                f"--precision {','.join(precisions)}"
            )
        for module in _PACKAGES.get(kind, ()):
            optional.check(module)
    return tuple(
        target
        for target in ALL
        if target.format in formats and target.precision in precisions
    )


def _check_names(argument: str, names: Sequence[str], allowed: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in allowed]
    if isinstance(names, str) or unknown or not names:
        got = repr(names) if isinstance(names, str) else ", ".join(map(repr, unknown))
        raise UsageError(
            f"{argument} must be one or more of {', '.join(allowed)}; got "
            f"{got or 'none'}"
        )
