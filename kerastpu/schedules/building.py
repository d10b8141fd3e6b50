"""From a typed config to the learning rate of every step of a run."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kerastpu import durations
from kerastpu.errors import UsageError
from kerastpu.schedules import custom, scaling, shapes
from kerastpu.schedules.curves import Curve

if TYPE_CHECKING:
    from kerastpu.config import OptimizerConfig, ScheduleConfig

LOG = logging.getLogger("kerastpu")

RAMP_START = 1e-5  # the codelab's first rate, and its last
CYCLE_START = 10  # the peak of one cycle is so many times its start
TAIL = 0.1  # share of the run after one cycle


class _Steps:
    """Durations of one run, in steps."""

    def __init__(self, steps_per_epoch: int, epochs: int):
        self.per_epoch, self.total = steps_per_epoch, steps_per_epoch * epochs
        self._length = functools.partial(
            durations.to_length, steps_per_epoch=steps_per_epoch, total_steps=self.total
        )

    def of(self, *texts: str) -> int:
        """Returns the steps of durations one after the other, rounded only once."""
        return round(round(sum(map(self._length, texts)), 6))

    def of_epochs(self, *texts: str) -> int:
        """Returns the steps of the nearest whole number of epochs."""
        length = sum(map(self._length, texts)) / self.per_epoch
        return round(round(length, 6)) * self.per_epoch

    def check_rise(self, schedule: ScheduleConfig) -> None:
        """Refuses a rise and a hold that the run has no room for."""
        rise = self._length(schedule.rise) + self._length(schedule.hold)
        if rise > self.total * (1 + 1e-9):
            raise UsageError(
                f"schedule.warmup and schedule.hold must end within the run of "
                f"{self.total} steps, {self.per_epoch} an epoch; "
                f"got {schedule.rise!r} and {schedule.hold!r}"
            )


def build(
    schedule: ScheduleConfig,
    optimizer: OptimizerConfig,
    *,
    steps_per_epoch: int,
    epochs: int,
    num_replicas: int = 1,
) -> Curve:
    """Returns the learning rate as a pure function of the step, and logs what it is.

    Args:
        schedule: shape.
        optimizer: peak, and how it grows with replicas.
        steps_per_epoch: optimizer steps in one epoch, at least 1.
        epochs: epochs of the whole run, at least 1.
        num_replicas: replicas; the peak grows by `optimizer.replica_scaling`.

    Raises:
        UsageError: rise and hold are longer than the run, drops come in no order, or a
            function cannot be used.
    """
    steps = _Steps(steps_per_epoch, epochs)
    factor = scaling.scale_with_replicas(1.0, num_replicas, optimizer.replica_scaling)
    peak = optimizer.learning_rate * factor
    if schedule.name == "custom":
        curve = _build_custom(schedule, steps, peak, factor)
    elif schedule.name == "constant":
        curve = Curve("constant", steps.total, peak)
    else:
        curve = _build_shape(schedule, steps, peak)
    LOG.info("learning rate: %s", describe(curve))
    if num_replicas > 1:
        rule = optimizer.replica_scaling
        LOG.info("  - %s", scaling.describe(num_replicas, rule))
    return curve


def _build_shape(schedule: ScheduleConfig, steps: _Steps, peak: float) -> Curve:
    steps.check_rise(schedule)
    to_steps = steps.of_epochs if schedule.name == "ramp" else steps.of
    warmup_steps = min(to_steps(schedule.rise), steps.total)
    begin = min(to_steps(schedule.rise, schedule.hold), steps.total)
    hold_steps = begin - warmup_steps
    return Curve(
        schedule.name,
        steps.total,
        peak,
        start=_start(schedule, peak, warmup_steps),
        floor=schedule.floor,
        warmup_steps=warmup_steps,
        hold_steps=hold_steps,
        options=_OPTIONS[schedule.name](schedule, steps, warmup_steps + hold_steps),
    )


def _start(schedule: ScheduleConfig, peak: float, warmup_steps: int) -> float:
    """Returns where the rise starts, by the shape where the config does not say."""
    if schedule.start is not None:
        return schedule.start
    if schedule.name == "ramp":  # a whole epoch has this rate
        return min(RAMP_START, peak)
    if schedule.name == "one_cycle":  # comes back to it
        return max(peak / CYCLE_START, schedule.floor)
    return shapes.first_stair(peak, warmup_steps)


_Options = Callable[["ScheduleConfig", _Steps, int], dict[str, Any]]

# What only one shape has, in steps; the last argument is where its fall begins.
_OPTIONS: Mapping[str, _Options] = {
    "cosine": lambda schedule, steps, begin: {},
    "ramp": lambda schedule, steps, begin: {
        "decay": schedule.decay,
        "steps_per_epoch": steps.per_epoch,
    },
    "exponential": lambda schedule, steps, begin: {
        "decay": schedule.decay,
        "decay_steps": steps.per_epoch,
    },
    "step": lambda schedule, steps, begin: _period(schedule, steps),
    "multistep": lambda schedule, steps, begin: {
        "decay": schedule.decay,
        "boundaries": _boundaries(schedule, steps, begin),
    },
    "polynomial": lambda schedule, steps, begin: {"power": schedule.power},
    "one_cycle": lambda schedule, steps, begin: {
        "tail_steps": round(TAIL * steps.total)
    },
    "cyclic": lambda schedule, steps, begin: _period(schedule, steps),
    "plateau": lambda schedule, steps, begin: {
        "decay": schedule.decay,
        "patience": int(durations.parse(schedule.period)[0]),
    },
}


def _period(schedule: ScheduleConfig, steps: _Steps) -> dict[str, Any]:
    period_steps = max(1, steps.of(schedule.period))
    return {"decay": schedule.decay, "period_steps": period_steps}


def _boundaries(schedule: ScheduleConfig, steps: _Steps, begin: int) -> list[int]:
    boundaries = [steps.of(text) for text in schedule.boundaries]
    if boundaries != sorted(boundaries) or boundaries[0] < begin:
        raise UsageError(
            f"schedule.boundaries must increase from step {begin}, where warmup and "
            f"hold end; got {schedule.boundaries!r}, steps {boundaries}"
        )
    return boundaries


def _build_custom(
    schedule: ScheduleConfig, steps: _Steps, peak: float, factor: float
) -> Curve:
    text = schedule.function or ""
    if custom.is_function(text):
        custom.load(text)
        return Curve("custom", steps.total, peak, options={"function": text})
    pairs = custom.parse_points(text)
    points = [[steps.of(place), rate * factor] for place, rate in pairs]
    begins = [begin for begin, _ in points]
    if begins != sorted(set(begins)):
        raise UsageError(
            f"{custom.FIELD} must have places that increase; got {text!r}, steps "
            f"{begins}"
        )
    highest = max(rate for _, rate in points)
    return Curve("piecewise", steps.total, highest, options={"points": points})


def describe(curve: Curve) -> str:
    """Returns one line: shape, peak, and what happens at which step."""
    parts = [f"{curve.name}, peak {curve.peak:g}"]
    if curve.warmup_steps:
        parts.append(f"rise from {curve.start:g} in {_steps(curve.warmup_steps)}")
    if curve.hold_steps:
        parts.append(f"held for {curve.hold_steps}")
    if curve.name in _DESCRIPTIONS:
        words = {
            name: _steps(value) if name.endswith("_steps") else value
            for name, value in curve.to_dict().items()
        }
        parts.append(_DESCRIPTIONS[curve.name].format(**words))
    for step, rate in curve.options.get("points", ()):
        parts.append(f"{rate:g} from step {step} on")
    return f"{', '.join(parts)}; {_steps(curve.total_steps)} in all"


def _steps(number: float) -> str:
    return f"{number} step{'' if number == 1 else 's'}"


_DESCRIPTIONS: Mapping[str, str] = {
    "cosine": "then to {floor:g}",
    "ramp": "then x {decay:g} an epoch towards {floor:g}",
    "exponential": "then x {decay:g} every {decay_steps} towards {floor:g}",
    "step": "then x {decay:g} after every {period_steps} towards {floor:g}",
    "multistep": "then x {decay:g} at steps {boundaries} towards {floor:g}",
    "polynomial": "then to {floor:g}, power {power:g}",
    "one_cycle": "then back, and to {floor:g} in the last {tail_steps}",
    "cyclic": "then to {floor:g} and back in {period_steps} each way, x {decay:g}"
    " as high each time",
    "plateau": "then x {decay:g}, at least {floor:g}, where the validation loss stops "
    "falling (patience {patience})",
    "custom": "by {function}",
}
