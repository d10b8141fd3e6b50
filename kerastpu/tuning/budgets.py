"""How much a search may cost: trials, epochs or seconds."""

import re
from dataclasses import dataclass

from kerastpu.errors import UsageError

_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|trials?|epochs?)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Budget:
    """A limit of one kind; None = no such limit.

    Attributes:
        trials: sets tried.
        epochs: of all trials together.
        seconds: of the search, over all processes that worked on it.
    """

    trials: int | None = None
    epochs: int | None = None
    seconds: float | None = None


def parse(text: str) -> Budget:
    """Reads a budget as it stands on a command line.

    Args:
        text: such as "10m", "90 s", "2h", "300 epochs" or "20 trials".

    Raises:
        UsageError: any other form, or nothing at all.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(
            'budget must look like "10m", "2h", "300 epochs" or "20 trials"; '
            f"got {text!r}"
        )
    number, unit = float(match[1]), match[2]
    if unit in _SECONDS:
        return Budget(seconds=number * _SECONDS[unit])
    if number != int(number):
        raise UsageError(f"budget must be a whole number of {unit}; got {text!r}")
    if unit.startswith("epoch"):
        return Budget(epochs=int(number))
    return Budget(trials=int(number))
