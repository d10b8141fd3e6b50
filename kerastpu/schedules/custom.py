"""Learning rates that a user brings: a function by name, or a list of rates."""

import functools
import importlib
import importlib.util
import math
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kerastpu import durations
from kerastpu.errors import UsageError

CustomFunction = Callable[[int, int, float], float]
Points = tuple[tuple[str, float], ...]

FIELD = "schedule.function"
FORMS = '"module:function", or rates from a step on such as "0:1e-3,500:1e-4"'
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_function(text: str) -> bool:
    """Returns whether `text` has the form "module:function"."""
    return _FUNCTION.fullmatch(text) is not None


def parse_points(text: str, name: str = FIELD) -> Points:
    """Reads a list of rates, each with where in the run it begins.

    Args:
        text: "0:1e-3,500:1e-4"; "0,1e-3|500,1e-4", as DL4J's example program takes it,
            is the same. A place is a step, or a duration such as "50%" or "20 epochs".
        name: the argument's name, for an error.

    Returns:
        Pairs of a duration and a rate, as they stand in the text.

    Raises:
        UsageError: any other form, a rate below 0, or no rate for step 0.
    """
    outer, inner = ("|", ",") if "|" in text or ":" not in text else (",", ":")
    points = []
    for pair in text.split(outer):
        place, _, number = (part.strip() for part in pair.partition(inner))
        place = f"{place} steps" if place.isdigit() else place
        try:
            durations.parse(place, name)
            rate = float(number)
        except ValueError:
            rate = math.nan
        except UsageError:
            raise UsageError(f"{name} must be {FORMS}; got {text!r}") from None
        if not 0 <= rate <= 1e3:
            raise UsageError(f"{name} must be {FORMS}, of rates 0..1000; got {text!r}")
        points.append((place, rate))
    if durations.parse(points[0][0])[0] != 0:
        raise UsageError(f"{name} must begin with the rate of step 0; got {text!r}")
    return tuple(points)


def piecewise(step: float, *, points: Sequence[tuple[float, float]]) -> float:
    """Returns the rate of the last point that is reached.

    Args:
        step: steps since the start of the run.
        points: pairs of a step and the rate from then on, steps increasing from 0.
    """
    return next(rate for begin, rate in reversed(points) if step >= begin)


@functools.cache
def load(text: str) -> CustomFunction:
    """Imports the function that "module:function" names, from the current folder too.

    Raises:
        UsageError: it cannot be imported, or is none.
    """
    module, _, name = text.partition(":")
    top = module.partition(".")[0]
    try:
        if top not in sys.modules and importlib.util.find_spec(top) is None:
            sys.path.append(str(Path.cwd()))  # where an installed command does not look
        function = getattr(importlib.import_module(module), name)
    except Exception as error:  # the user's code runs: it may raise anything
        reason = _in_one_line(error)
        raise UsageError(f"{FIELD} {text!r} cannot be imported: {reason}") from error
    if not callable(function):
        raise UsageError(f"{FIELD} must name a function; {text!r} is {function!r}")
    return function


def call(text: str, step: int, total_steps: int, peak: float) -> float:
    """Returns what the function says, if it is a learning rate.

    Raises:
        UsageError: it fails, or returns no finite number of 0 or more.
    """
    function = load(text)
    try:
        rate = function(step, total_steps, peak)
    except Exception as error:  # the user's code runs: it may raise anything
        raise UsageError(
            f"{FIELD} {text!r}, called with (step, total_steps, peak) = "
            f"({step}, {total_steps}, {peak:g}), failed: {_in_one_line(error)}"
        ) from error
    try:
        value = float(rate)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise UsageError(
            f"{FIELD} {text!r} must return a finite number of 0 or more; "
            f"for step {step} of {total_steps} it returned {rate!r}"
        )
    return value


def _in_one_line(error: Exception) -> str:
    """Returns type and text of an error."""
    return " ".join(f"{type(error).__name__}: {error}".split())
