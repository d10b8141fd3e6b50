"""What a range test of learning rates saw, and the rate that it suggests."""

import functools
import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from kerastpu.errors import UsageError
from kerastpu.schedules import arguments

SKIP = 0.1  # share of the steps at the start that nothing is read off
FLAT = 0.25  # share of the steps after them that shows the loss before its fall
FALL_BEGUN = 0.2  # share of the whole fall after which it is no noise
LEAST_FALL = 0.01  # a loss that falls by a smaller share of itself has not fallen
NOISE_DIFFERENCE = 0.954  # median distance of two normal draws, in their deviations
REACH = 0.03  # share of the steps on each side that a slope is taken over


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw, and what follows from it."""

    rates: tuple[float, ...]
    """Learning rate of each step, as the optimizer had it."""
    losses: tuple[float, ...]
    """Smoothed loss of each step."""
    raw_losses: tuple[float, ...]
    """Loss of each step's batch."""
    is_diverged: bool
    """Whether it ended early, as the loss had grown too far."""

    @property
    def steepest(self) -> float | None:
        """Rate where the loss falls fastest by the logarithm of the rate."""
        if not self._has_fallen:
            return None
        # In the flat part before the fall, noise may be as steep for some steps.
        losses, lowest = np.array(self.losses), self._lowest
        level = self._before + FALL_BEGUN * (losses[lowest] - self._before)
        begun = int(np.flatnonzero(losses[:lowest] >= level)[-1])
        places, last = np.arange(begun, lowest + 1), len(losses) - 1
        reach = math.ceil(REACH * len(losses))
        left, right = np.maximum(places - reach, 0), np.minimum(places + reach, last)
        # Steps are shares of a power of ten: slopes by the logarithm of the rate.
        slopes = (losses[right] - losses[left]) / (right - left)
        return self.rates[begun + int(np.argmin(slopes))]

    @property
    def tenth_of_minimum(self) -> float | None:
        """A tenth of the rate with the lowest loss, but no rate below the first."""
        if not self._has_fallen:
            return None
        return max(self.rates[self._lowest] / 10, self.rates[0])

    @property
    def suggestion(self) -> float | None:
        """The smaller of the two above; None where the loss did not fall."""
        if self.steepest is None or self.tenth_of_minimum is None:
            return None
        return min(self.steepest, self.tenth_of_minimum)

    @property
    def rule(self) -> str:
        """How the suggestion came about, in words."""
        if self.suggestion is None:
            return "none: the loss did not fall at any of these rates"
        if self.suggestion == self.steepest:
            return "where the loss falls fastest"
        if self.suggestion == self.rates[0]:
            return "the first rate: the lowest loss is less than a factor of 10 above"
        return "a tenth of the rate with the lowest loss"

    def to_dict(self) -> dict[str, Any]:
        """Returns everything, ready for `json`."""
        return {
            "suggestion": self.suggestion,
            "rule": self.rule,
            "steepest": self.steepest,
            "tenth_of_minimum": self.tenth_of_minimum,
            "is_diverged": self.is_diverged,
            "rates": list(self.rates),
            "losses": list(self.losses),
            "raw_losses": list(self.raw_losses),
        }

    @property
    def _skipped(self) -> int:
        return min(math.ceil(SKIP * len(self.losses)), len(self.losses) - 1)

    @functools.cached_property
    def _lowest(self) -> int:
        return self._skipped + int(np.argmin(self.losses[self._skipped :]))

    @functools.cached_property
    def _before(self) -> float:
        """The loss where the rate was too small to change it."""
        end = self._skipped + math.ceil(FLAT * len(self.losses))
        end = max(min(end, self._lowest), self._skipped + 1)
        return float(np.median(self.losses[self._skipped : end]))

    @property
    def _has_fallen(self) -> bool:
        """Whether the loss fell by more than it differs from batch to batch."""
        if self._lowest <= self._skipped:
            return False
        fall = self._before - self.losses[self._lowest]
        raw = self.raw_losses[self._skipped : self._lowest + 1]
        noise = float(np.median(np.abs(np.diff(raw)))) / NOISE_DIFFERENCE
        return fall >= max(LEAST_FALL * abs(self._before), noise)


def check_range(low: float, high: float, num_steps: int) -> None:
    """Checks the rates that a range test is to try.

    Raises:
        UsageError: low must be above 0 and below high, and steps at least 10.
    """
    are_numbers = all(isinstance(end, Real) for end in (low, high))
    if not (are_numbers and 0 < low < high < math.inf):
        raise UsageError(
            f"low and high must be above 0, low below high; got {low!r} and {high!r}"
        )
    arguments.whole("num_steps", num_steps, 10)
