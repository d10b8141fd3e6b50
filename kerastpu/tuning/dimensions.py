"""One setting to be searched: which values it has, and how 0..1 is spread over them.

A space is a sequence of dimensions. A setting that counts only where another one has
certain values, such as momentum where the optimizer is sgd, says so in `conditions`
and stands after the one it depends on.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kerastpu.errors import UsageError

Conditions = tuple[tuple[str, tuple[Any, ...]], ...]
Values = dict[str, Any]


class Dimension(Protocol):
    """One setting of a space."""

    @property
    def name(self) -> str:
        """Of the setting."""

    @property
    def num_values(self) -> int | None:
        """How many equally likely values it has; None where they are not counted."""

    @property
    def is_ordered(self) -> bool:
        """Whether values that are close in 0..1 are alike."""

    def value(self, unit: float) -> Any:
        """Returns the value at `unit`, 0 <= unit < 1."""

    def unit(self, value: Any) -> float:
        """Returns a place in 0..1 at which `value` lies."""

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether it counts, given the values of the dimensions before it."""


@dataclass(frozen=True)
class _Conditional:
    name: str
    conditions: Conditions = ()
    """(name of an earlier dimension, its values for which this one counts)."""

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether all conditions hold; one on a setting that is absent does not."""
        return all(
            name in values and values[name] in allowed
            for name, allowed in self.conditions
        )


@dataclass(frozen=True, kw_only=True)
class Float(_Conditional):
    """A number in low..high, spread evenly or, with `log`, evenly in its logarithm."""

    low: float
    high: float
    log: bool = False
    num_values = None
    is_ordered = True

    def __post_init__(self) -> None:
        _check_range(self.name, self.low, self.high, self.log)

    def value(self, unit: float) -> float:
        """Returns the number at `unit`, 0..1."""
        if self.log:
            number = self.low * (self.high / self.low) ** unit
        else:
            number = self.low + (self.high - self.low) * unit
        return min(self.high, max(self.low, number))

    def unit(self, value: float) -> float:
        """Returns the place of a number, 0..1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class Int(_Conditional):
    """A whole number in low..high, both included, evenly or evenly in its logarithm."""

    low: int
    high: int
    log: bool = False
    is_ordered = True

    def __post_init__(self) -> None:
        _check_range(self.name, self.low, self.high, self.log)

    @property
    def num_values(self) -> int | None:
        """How many there are; None with `log`, where small ones are more likely."""
        return None if self.log else self.high - self.low + 1

    def value(self, unit: float) -> int:
        """Returns the number at `unit`, 0 <= unit < 1."""
        end = self.high + 1
        if self.log:
            number = math.floor(self.low * (end / self.low) ** unit)
        else:
            number = math.floor(self.low + (end - self.low) * unit)
        return min(self.high, max(self.low, number))

    def unit(self, value: int) -> float:
        """Returns the middle of what belongs to a number, 0..1."""
        middle, end = value + 0.5, self.high + 1
        if self.log:
            return math.log(middle / self.low) / math.log(end / self.low)
        return (middle - self.low) / (end - self.low)


@dataclass(frozen=True, kw_only=True)
class Choice(_Conditional):
    """One of several values, all equally likely."""

    choices: tuple[Any, ...]
    is_ordered: bool = False

    def __post_init__(self) -> None:
        if not self.choices:
            raise UsageError(f"{self.name}: choices must be one or more; got none")

    @property
    def num_values(self) -> int:
        """How many there are."""
        return len(self.choices)

    def value(self, unit: float) -> Any:
        """Returns the choice at `unit`, 0 <= unit < 1."""
        return self.choices[min(len(self.choices) - 1, int(unit * len(self.choices)))]

    def unit(self, value: Any) -> float:
        """Returns the middle of what belongs to a choice, 0..1."""
        return (self.choices.index(value) + 0.5) / len(self.choices)


def boolean(name: str, conditions: Conditions = ()) -> Choice:
    """Returns the choice between False and True."""
    return Choice(name, conditions, choices=(False, True))


def values_at(space: Sequence[Dimension], units: Iterable[float]) -> Values:
    """Returns the values of the dimensions that count, by name, in the space's order.

    Args:
        space: d dimensions.
        units: (d,), 0..1; what stands at a dimension that does not count is ignored.
    """
    values: Values = {}
    for dimension, unit in zip(space, units, strict=True):
        if dimension.is_active(values):
            values[dimension.name] = dimension.value(float(unit))
    return values


def _check_range(name: str, low: float, high: float, log: bool) -> None:
    if not low < high:
        raise UsageError(f"{name}: low must be below high; got {low!r} and {high!r}")
    if log and low <= 0:
        raise UsageError(f"{name}: low must be above 0 with log; got {low!r}")
