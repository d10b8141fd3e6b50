"""An export beside its model: same answers, how large, how fast."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerastpu import evaluation
from kerastpu.errors import KerastpuError
from kerastpu.export.targets import MAX_DIFFERENCE, MIN_AGREEMENT, Target

LATENCY_BATCHES = (1, 32)
_WARM_CALLS, _LEAST_CALLS, _MOST_CALLS = 3, 5, 50
_SECONDS = 2.0  # of measuring at one batch size, where that is enough for a few calls

Call = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Score:
    """Share of the images whose class is right, where that is known."""

    accuracy: float
    """0..1."""
    interval: tuple[float, float]
    """95 % Wilson interval of the accuracy."""


@dataclass(frozen=True)
class Check:
    """What an export did in its own runtime, and whether that is good enough.

    Attributes:
        format: See `targets.FORMATS`.
        precision: See `targets.PRECISIONS`.
        file: Name in the export folder.
        runtime: What ran it, with its version.
        needed: Least agreement, 0..1.
        num_bytes: Size of the file, or of all files of the folder.
        agreement: Share of the images whose most probable class is that of the model,
            0..1; None where it could not be run.
        max_difference: Largest difference of a probability, 0..1.
        score: None where no labels are known.
        latency_ms: Images in a call -> median time of a call, in milliseconds.
        int8: int8: heavy operators that take int8 data, and how many there are.
        problem: Why it is not good enough; empty for a good one.
    """

    format: str
    precision: str
    file: str
    runtime: str
    needed: float
    num_bytes: int = 0
    agreement: float | None = None
    max_difference: float | None = None
    score: Score | None = None
    latency_ms: dict[int, float] = dataclasses.field(default_factory=dict)
    int8: tuple[int, int] | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return dataclasses.asdict(self)


def run(call: Call, batches: Iterable[np.ndarray], num_classes: int) -> np.ndarray:
    """Returns the probabilities of all images, float32 (N, num_classes).

    Raises:
        KerastpuError: the runtime's outputs have another shape or dtype.
    """
    parts = []
    for images in batches:
        found, wanted = call(images), (len(images), num_classes)
        if found.shape != wanted or found.dtype != np.float32:
            raise KerastpuError(
                f"its outputs are {found.dtype} {found.shape}, not float32 {wanted}"
            )
        parts.append(found)
    return np.concatenate(parts)


def compare(target: Target, found: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """Returns agreement, max_difference and problem of a `Check`.

    Args:
        target: Says what is needed.
        found: float32 (N, classes), of the export.
        wanted: float32 (N, classes), of the model.
    """
    agreement = float((found.argmax(axis=1) == wanted.argmax(axis=1)).mean())
    difference = float(np.abs(found - wanted).max())
    needed, allowed = (
        MIN_AGREEMENT[target.precision],
        MAX_DIFFERENCE.get(target.precision, np.inf),
    )
    problem = ""
    if not np.isfinite(difference):
        problem = "its probabilities are not finite"
    elif agreement < needed:
        problem = (
            f"it agrees with the model on {agreement:.2%} of {len(wanted):,} images; "
            f"{needed:.1%} is needed"
        )
    elif difference > allowed:
        problem = (
            f"a probability differs from the model's by {difference:.1e}; at most "
            f"{allowed:.0e} is allowed"
        )
    return {"agreement": agreement, "max_difference": difference, "problem": problem}


def score(probabilities: np.ndarray, labels: np.ndarray | None) -> Score | None:
    """Returns how many are right; None without labels."""
    if labels is None:
        return None
    right = int((probabilities.argmax(axis=1) == labels).sum())
    interval = evaluation.wilson_interval(right, len(labels))
    return Score(right / len(labels), interval)


def latencies(call: Call, images: np.ndarray) -> dict[int, float]:
    """Measures calls of 1 and of 32 images.

    Args:
        call: The runtime.
        images: uint8 (B, H, W, C); repeated where there are fewer.

    Returns:
        Images in a call -> median of the times of calls, in milliseconds.
    """
    found = {}
    for size in LATENCY_BATCHES:
        batch = np.resize(images, (size, *images.shape[1:]))
        for _ in range(_WARM_CALLS):
            call(batch)
        found[size] = 1000 * statistics.median(_times(call, batch))
    return found


def _times(call: Call, batch: np.ndarray) -> Iterator[float]:
    """Yields the seconds of call after call."""
    start = time.perf_counter()
    for number in range(_MOST_CALLS):
        if number >= _LEAST_CALLS and time.perf_counter() - start > _SECONDS:
            return
        before = time.perf_counter()
        call(batch)
        yield time.perf_counter() - before
