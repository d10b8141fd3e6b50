"""The shapes by name: what each does, and which fields of a config it reads.

Plain data: reading it loads nothing, so that checks and help texts can.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_ENDS = ("warmup", "hold", "start", "floor")


class Shape(NamedTuple):
    """One value of `schedule.name`."""

    description: str
    """A line for a list."""
    fields: tuple[str, ...]
    """Fields of `config.ScheduleConfig` that it reads besides the name."""


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "cosine": Shape("rise, then half a cosine down to the floor", _ENDS),
        "ramp": Shape(
            "the codelab's: rise, then x decay an epoch; constant within an epoch",
            (*_ENDS, "decay"),
        ),
        "constant": Shape("the peak at every step, without a rise", ()),
        "exponential": Shape(
            "rise, then x decay an epoch, a little at every step", (*_ENDS, "decay")
        ),
        "step": Shape(
            "rise, then x decay after each period", (*_ENDS, "decay", "period")
        ),
        "multistep": Shape(
            "rise, then x decay at each of the boundaries",
            (*_ENDS, "decay", "boundaries"),
        ),
        "polynomial": Shape(
            "rise, then (what is left)^power down to the floor", (*_ENDS, "power")
        ),
        "one_cycle": Shape(
            "rise, straight back to the start, in the last tenth down to the floor",
            _ENDS,
        ),
        "cyclic": Shape(
            "rise, then a triangle wave between floor and peak, each x decay as high",
            (*_ENDS, "decay", "period"),
        ),
        "plateau": Shape(
            "rise, then x decay when the validation loss stops falling for a period",
            (*_ENDS, "decay", "period"),
        ),
        "custom": Shape("a function of yours, or a list of rates", ("function",)),
    }
)
