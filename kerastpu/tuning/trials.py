"""One set of settings in a search, and how its curve is read."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerastpu.tuning.dimensions import Values

WAITING, RUNNING, RESTING = "waiting", "running", "resting"
DROPPED, FINISHED, STOPPED, FAILED = "dropped", "finished", "stopped", "failed"
_ENDED = (DROPPED, FINISHED, STOPPED, FAILED)


@dataclass(frozen=True)
class Job:
    """What is to be trained next.

    Attributes:
        trial: Number of the set.
        values: Setting -> value.
        start: Epochs that it has behind it; 0 = from new weights.
        stop: Epochs that it is to have behind it.
    """

    trial: int
    values: Values
    start: int
    stop: int


@dataclass
class Trial:
    """One set.

    Attributes:
        number: From 0, in the order of proposal.
        cohort: 0 for the first sets, then that of the refill that it came with.
        units: (d,), its place in the space, 0..1; None where a setting does not count.
        values: Setting -> value.
        curve: Validation error after each epoch done.
        rung: Iteration that it is in or has last ended, from 0.
        state: waiting, running, resting (until the others of its iteration are done),
            or how it ended: dropped, finished, stopped, failed.
        start: Epochs done when its last job was given.
        stop: Epochs that it is to reach in this rung.
    """

    number: int
    cohort: int
    units: list[float | None]
    values: Values
    stop: int
    start: int = 0
    rung: int = 0
    state: str = WAITING
    curve: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.curve)

    @property
    def has_ended(self) -> bool:
        """Whether it is trained no more."""
        return self.state in _ENDED

    @property
    def is_usable(self) -> bool:
        """Whether it has a curve and has not failed."""
        return bool(self.curve) and self.state != FAILED

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Trial":
        """Reads what `to_dict` made."""
        return cls(**values)


def level(curve: Sequence[float]) -> float:
    """Returns where a curve stands at its end, less of the noise of single epochs.

    A line through the last quarter of the epochs, at least 3, read at its end: unlike
    their mean it does no wrong to what still falls. Where there are fewer than 3, the
    last value.

    Args:
        curve: error after each epoch, at least one.
    """
    num_last = max(3, math.ceil(len(curve) / 4))
    if len(curve) < 3:
        return float(curve[-1])
    last = np.asarray(curve[-num_last:], float)
    places = np.arange(len(last)) - (len(last) - 1)
    slope = np.polyfit(places, last, 1)
    # A line that falls steeply must not promise more than the lowest value seen.
    return float(max(slope[1], last.min()))


def outlook(curve: Sequence[float], longest: int) -> float:
    """Returns where a curve would end if it went on to fall as it has fallen lately.

    It is continued in the logarithm of the epochs from its second half: too hopeful for
    most, but it finds what starts slowly and is still falling.

    Args:
        curve: error after each epoch, at least one.
        longest: epochs at the end.
    """
    half = max(1, len(curve) // 2)
    if half == len(curve):
        return level(curve)
    slope = (level(curve) - level(curve[:half])) / math.log(len(curve) / half)
    return level(curve) + slope * math.log(longest / len(curve))
