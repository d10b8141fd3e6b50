"""What an export says of itself: export.json as a value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerastpu.errors import KerastpuError
from kerastpu.export.parity import Check, Score


@dataclass(frozen=True)
class Reference:
    """The model itself, on the images that its exports are compared on.

    Attributes:
        runtime: What ran it, with its version.
        score: None where no labels are known.
    """

    runtime: str
    score: Score | None


@dataclass(frozen=True)
class ExportResult:
    """An export folder.

    Attributes:
        folder: Where the files are.
        created: When, in ISO 8601, UTC.
        source: The .keras file: path, sha256, num_bytes, parameters, and policy, the
            number format that its layers compute in.
        model: What every export holds, see `metadata.Metadata`, less its precision.
        images: What they were compared on: description, count, whether they are of
            random pixels, and of which data.
        reference: What the model itself did.
        checks: One for each export.
        environment: Versions and machine.
    """

    folder: Path
    created: str
    source: dict[str, Any]
    model: dict[str, Any]
    images: dict[str, Any]
    reference: Reference
    checks: tuple[Check, ...]
    environment: dict[str, Any]

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each export that is not good enough."""
        return tuple(f"{c.file}: {c.problem}" for c in self.checks if c.problem)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return dataclasses.asdict(self) | {"folder": str(self.folder)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExportResult:
        """Reads what `to_dict` returned, by way of JSON."""
        reference = values["reference"]
        made = {
            "folder": Path(values["folder"]),
            "reference": Reference(reference["runtime"], _score(reference["score"])),
            "checks": tuple(_check(check) for check in values["checks"]),
        }
        return cls(**(values | made))


def _check(values: dict[str, Any]) -> Check:
    int8 = values["int8"]
    made = {
        "score": _score(values["score"]),
        "int8": None if int8 is None else tuple(int8),
        "latency_ms": {int(size): ms for size, ms in values["latency_ms"].items()},
    }
    return Check(**(values | made))


def _score(values: dict[str, Any] | None) -> Score | None:
    if values is None:
        return None
    return Score(values["accuracy"], tuple(values["interval"]))


class ExportError(KerastpuError):
    """Not all exports are good enough.

    Attributes:
        result: What each of them reached; the good ones are in its folder.
    """

    def __init__(self, result: ExportResult):
        super().__init__("; ".join(result.problems))
        self.result = result
