"""Checks of the numbers that the functions of a learning rate take."""

import math
from numbers import Integral, Real
from typing import Any

from kerastpu.errors import UsageError


def whole(name: str, value: Any, low: int) -> None:
    """Refuses what is no whole number of `low` or more.

    Raises:
        UsageError: names the argument, what came and what is allowed.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < low:
        raise UsageError(
            f"{name} must be at least {low}, a whole number; got {value!r}"
        )


def rate(name: str, value: Any) -> None:
    """Refuses what is no finite number of 0 or more.

    Raises:
        UsageError: names the argument and what came.
    """
    if not (_is_number(value) and 0 <= value < math.inf):
        raise UsageError(f"{name} must be a finite number of 0 or more; got {value!r}")


def positive(name: str, value: Any) -> None:
    """Refuses what is no number above 0.

    Raises:
        UsageError: names the argument and what came.
    """
    if not (_is_number(value) and value > 0):
        raise UsageError(f"{name} must be a number above 0; got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
