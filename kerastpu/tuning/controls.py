"""The four controls of halving, and what they cost in epochs."""

import math
from dataclasses import dataclass

from kerastpu.errors import UsageError

REFILL_PART = 4  # few at a time: each learns from those before it


@dataclass(frozen=True)
class Controls:
    """The four controls, by the names that SAS's dlTune gives them, and two of ours."""

    max_epochs: int = 2
    """Epochs of each set before the first ones are dropped, at least 1."""
    tune_iterations: int = 4
    """How often the sets are trained on, at least 1; all but the last end with a
    drop."""
    num_trials: int = 27
    """Sets to begin with, at least 1."""
    tune_retention: float = 1 / 3
    """Share of the sets kept at each drop, above 0, below 1; one is always kept."""
    redistribute: bool = True
    """Whether the epochs that dropped sets leave go to those kept: each iteration then
    ends at max_epochs / tune_retention^i. Else each adds max_epochs."""
    refills: int = 4
    """Times that new sets are proposed by what has been learned once the first ones
    are through, each time a quarter as many; 0 = the plain algorithm. With a budget in
    epochs they go on until it is spent, unless this is 0."""

    def __post_init__(self) -> None:
        for name in ("max_epochs", "tune_iterations", "num_trials"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise UsageError(f"{name} must be a whole number from 1; got {value!r}")
        if not 0 < self.tune_retention < 1:
            raise UsageError(
                "tune_retention must be above 0 and below 1; "
                f"got {self.tune_retention!r}"
            )
        if self.refills < 0:
            raise UsageError(f"refills must be 0 or more; got {self.refills!r}")

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs that a set has behind it at the end of each iteration; rising."""
        ends: list[int] = []
        for i in range(self.tune_iterations):
            factor = self.tune_retention**-i if self.redistribute else i + 1
            # What floating point makes of 3.0000000000000004 is no further epoch.
            end = math.ceil(self.max_epochs * factor - 1e-6)
            ends.append(max(end, ends[-1] + 1 if ends else 1))
        return tuple(ends)

    def kept(self, num_sets: int) -> int:
        """Returns how many of `num_sets` a drop leaves."""
        return max(1, math.ceil(num_sets * self.tune_retention - 1e-6))

    @property
    def refill_size(self) -> int:
        """New sets in each refill."""
        return max(1, math.ceil(self.num_trials / REFILL_PART))

    def cost(self, num_sets: int | None = None) -> int:
        """Returns the epochs that `num_sets` take, from the first to the last drop.

        Args:
            num_sets: None = `num_trials`.
        """
        left = self.num_trials if num_sets is None else num_sets
        total = before = 0
        for end in self.rungs:
            total += left * (end - before)
            before, left = end, self.kept(left)
        return total
