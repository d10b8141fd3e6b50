"""The learning rate of a whole run as a value: a name and a few numbers."""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from kerastpu.config import values
from kerastpu.errors import UsageError
from kerastpu.schedules import arguments, custom, cycles, shapes
from kerastpu.schedules.shapes import LearningRateFunction


@dataclass(frozen=True)
class Curve:
    """The learning rate of each step of a run; call it with a step.

    Raises:
        UsageError: an unknown name or option, or numbers that make no curve.
    """

    name: str
    """A key of `OPTIONS`."""
    total_steps: int
    """Steps of the run, at least 1; later steps have the rate of this one."""
    peak: float
    """Highest rate."""
    start: float = 0.0
    """Rate that the rise starts from, 0..peak."""
    floor: float = 0.0
    """Rate that the fall goes towards, 0..peak."""
    warmup_steps: int = 0
    """Length of the rise."""
    hold_steps: int = 0
    """Time at the peak."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What only this shape has; see `OPTIONS`."""

    def __post_init__(self) -> None:
        if self.name not in OPTIONS:
            raise UsageError(
                f"name must be one of {', '.join(OPTIONS)}; got {self.name!r}"
            )
        arguments.whole("total_steps", self.total_steps, 1)
        arguments.rate("peak", self.peak)
        for end in ("start", "floor"):
            arguments.rate(end, getattr(self, end))
            if getattr(self, end) > self.peak:
                raise UsageError(
                    f"{end} must be 0..{self.peak:g}, the peak; "
                    f"got {getattr(self, end)!r}"
                )
        arguments.whole("warmup_steps", self.warmup_steps, 0)
        arguments.whole("hold_steps", self.hold_steps, 0)
        if self.fall_steps < 0:
            raise UsageError(
                f"warmup_steps and hold_steps must be together at most "
                f"{self.total_steps}; got {self.warmup_steps} and {self.hold_steps}"
            )
        self._check_options()

    def __call__(self, step: float) -> float:
        """Returns the learning rate of `step`, which counts from 0."""
        return self._function(min(step, self.total_steps))

    @property
    def fall_steps(self) -> int:
        """Steps that remain after rise and hold."""
        return self.total_steps - self.warmup_steps - self.hold_steps

    def to_dict(self) -> dict[str, Any]:
        """Returns all numbers by name, ready for `json`; see `from_dict`."""
        return {name: getattr(self, name) for name in _COMMON} | dict(self.options)

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Any]) -> "Curve":
        """Makes the curve that `to_dict` describes."""
        common = {name: numbers[name] for name in _COMMON if name in numbers}
        own = {name: numbers[name] for name in numbers if name not in _COMMON}
        return cls(**common, options=own)

    def _check_options(self) -> None:
        wanted = OPTIONS[self.name]
        if set(self.options) != set(wanted):
            raise UsageError(
                f"{self.name} takes {', '.join(wanted) or 'no more numbers'}; "
                f"got {', '.join(self.options) or 'none'}"
            )
        for name, (low, high) in _RANGES.items():
            if name in self.options:
                values.in_range(name, self.options[name], low, high)
        if "patience" in self.options:
            arguments.whole("patience", self.options["patience"], 1)
        for _, rate in self.options.get("points", []):
            arguments.rate("each rate of points", rate)
        places = [place for place, _ in self.options.get("points", [])]
        places = places or list(self.options.get("boundaries", []))
        if places != sorted(places) or ("points" in self.options and places[:1] != [0]):
            raise UsageError(
                f"steps must increase, those of points from 0; got {places}"
            )

    @functools.cached_property
    def _function(self) -> LearningRateFunction:
        whole = _WHOLE.get(self.name)
        if whole is not None:
            return whole(self)
        return shapes.with_warmup(
            _FALLS[self.name](self),
            peak=self.peak,
            start=self.start,
            warmup_steps=self.warmup_steps,
            hold_steps=self.hold_steps,
        )


_COMMON = (
    *("name", "total_steps", "peak", "start", "floor"),
    *("warmup_steps", "hold_steps"),
)
_Maker = Callable[[Curve], LearningRateFunction]


def _fall(
    curve: Curve, function: Callable[..., float], *own: str, **more: Any
) -> LearningRateFunction:
    """Returns a fall from the peak to the floor, with these options as they are."""
    options = {name: curve.options[name] for name in own}
    ends = {"peak": curve.peak, "floor": curve.floor}
    return functools.partial(function, **ends, **options, **more)


def _multistep(curve: Curve) -> LearningRateFunction:
    since = curve.warmup_steps + curve.hold_steps
    boundaries = [boundary - since for boundary in curve.options["boundaries"]]
    return _fall(curve, shapes.multistep, "decay", boundaries=boundaries)


def _one_cycle(curve: Curve) -> LearningRateFunction:
    # Where the rise has left little time, half of it still leads back to the start.
    tail_steps = min(curve.options["tail_steps"], curve.fall_steps // 2)
    down_steps = curve.fall_steps - tail_steps
    steps = {"down_steps": down_steps, "tail_steps": tail_steps}
    return _fall(curve, cycles.one_cycle, start=curve.start, **steps)


def _cyclic(curve: Curve) -> LearningRateFunction:
    """Returns the wave from its first top on: rise and hold have led there."""
    wave = _fall(curve, cycles.cyclic, "decay", "period_steps")
    return lambda step: wave(step + curve.options["period_steps"])


def _constant(curve: Curve) -> LearningRateFunction:
    return functools.partial(shapes.constant, value=curve.peak)


def _ramp(curve: Curve) -> LearningRateFunction:
    steps_per_epoch = curve.options["steps_per_epoch"]
    ramp = functools.partial(
        shapes.ramp_sustain_decay,
        start=curve.start,
        peak=curve.peak,
        floor=curve.floor,
        ramp_epochs=curve.warmup_steps / steps_per_epoch,
        sustain_epochs=curve.hold_steps / steps_per_epoch,
        decay=curve.options["decay"],
    )
    return shapes.by_epoch(ramp, steps_per_epoch)


def _piecewise(curve: Curve) -> LearningRateFunction:
    return functools.partial(custom.piecewise, points=curve.options["points"])


def _custom(curve: Curve) -> LearningRateFunction:
    return lambda step: custom.call(
        curve.options["function"], int(step), curve.total_steps, curve.peak
    )


# Options of each shape, in steps; `decay` per period where there is one.
OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cosine": (),
        "ramp": ("decay", "steps_per_epoch"),
        "constant": (),
        "exponential": ("decay", "decay_steps"),
        "step": ("decay", "period_steps"),
        "multistep": ("decay", "boundaries"),
        "polynomial": ("power",),
        "one_cycle": ("tail_steps",),
        "cyclic": ("decay", "period_steps"),
        "plateau": ("decay", "patience"),
        "piecewise": ("points",),
        "custom": ("function",),
    }
)
_RANGES = {
    "decay": (1e-6, 1.0),
    "power": (0.1, 10.0),
    "decay_steps": (1, math.inf),
    "period_steps": (1, math.inf),
    "steps_per_epoch": (1, math.inf),
    "tail_steps": (0, math.inf),
}
_FALLS: Mapping[str, _Maker] = {
    "cosine": lambda c: _fall(c, shapes.cosine, total_steps=c.fall_steps),
    "exponential": lambda c: _fall(c, shapes.exponential, "decay", "decay_steps"),
    "step": lambda c: _fall(c, shapes.step_decay, "decay", "period_steps"),
    "multistep": _multistep,
    "polynomial": lambda c: _fall(
        c, shapes.polynomial, "power", total_steps=c.fall_steps
    ),
    "one_cycle": _one_cycle,
    "cyclic": _cyclic,
    "plateau": _constant,  # while the metric falls; the drops are `plateaus.plateau`
}
_WHOLE: Mapping[str, _Maker] = {
    "constant": _constant,
    "ramp": _ramp,
    "piecewise": _piecewise,
    "custom": _custom,
}
