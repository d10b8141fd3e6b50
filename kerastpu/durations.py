"""How long a thing lasts: "3 epochs", "5%", "100 steps" -> training steps."""

import re

from kerastpu.errors import UsageError

_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(%|epochs?|steps?)")


def parse(text: str, name: str = "duration") -> tuple[float, str]:
    """Splits a duration into its number and its unit.

    Args:
        text: such as "3 epochs", "0.5 epoch", "5%" or "100 steps".
        name: the argument's name, for the error.

    Returns:
        The number, and "percent", "epoch" or "step".

    Raises:
        UsageError: any other form, or more than 100%.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f'{name} must look like "5%", "3 epochs" or "100 steps"; got {text!r}'
        )
    number = float(match[1])
    unit = "percent" if match[2] == "%" else match[2].rstrip("s")
    if unit == "percent" and number > 100:
        raise UsageError(f"{name} must be 0%..100%; got {text!r}")
    return number, unit


def to_steps(text: str, *, steps_per_epoch: int, total_steps: int) -> int:
    """Converts a duration to a whole number of steps, at most `total_steps`.

    Args:
        text: see `parse`.
        steps_per_epoch: steps in one pass over the training examples.
        total_steps: steps in the whole run; what a percentage is taken of.

    Returns:
        Steps in 0..total_steps, rounded to the nearest.
    """
    length = to_length(text, steps_per_epoch=steps_per_epoch, total_steps=total_steps)
    return min(total_steps, round(length))


def to_length(text: str, *, steps_per_epoch: int, total_steps: int) -> float:
    """Converts a duration to steps, neither rounded nor cut to the run.

    Args: see `to_steps`.
    """
    number, unit = parse(text)
    scale = {"percent": total_steps / 100, "epoch": steps_per_epoch, "step": 1}[unit]
    return number * scale
