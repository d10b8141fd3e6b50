"""Schedule of a config against its ranges, the peak and the length of the run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from kerastpu import durations
from kerastpu.config.sections import ScheduleConfig
from kerastpu.config.values import in_range
from kerastpu.errors import UsageError
from kerastpu.schedules import custom
from kerastpu.schedules.catalog import SHAPES

if TYPE_CHECKING:
    from kerastpu.config.run import Config


def check_schedule(config: Config) -> None:
    """Checks `config.schedule`.

    What is given in steps is checked against the run once its steps are known, by
    `schedules.build`.

    Raises:
        UsageError: a value out of its range, one that the shape has no use for, or
            times that do not fit the run.
    """
    schedule, peak = config.schedule, config.optimizer.learning_rate
    _check_taken(schedule)
    for field in ("start", "floor"):
        value = getattr(schedule, field)
        if value is not None and not 0 <= value <= peak:
            raise UsageError(
                f"schedule.{field} must be 0..{peak:g}, optimizer.learning_rate; "
                f"got {value!r}"
            )
    in_range("schedule.decay", schedule.decay, 1e-6, 1.0)
    in_range("schedule.power", schedule.power, 0.1, 10.0)
    _check_rise(schedule, config.training.epochs)
    _check_period(schedule)
    if schedule.name == "multistep":
        _check_boundaries(schedule, config.training.epochs)
    if schedule.name == "one_cycle" and (schedule.start or peak) < schedule.floor:
        raise UsageError(
            f"schedule.start of one_cycle must be schedule.floor, {schedule.floor:g}, "
            f"or more, as the cycle comes back to it; got {schedule.start!r}"
        )
    if schedule.name == "plateau" and schedule.decay == 1:
        raise UsageError(
            f"schedule.decay of plateau must be below 1; got {schedule.decay!r}"
        )
    _check_function(schedule)


def _check_taken(schedule: ScheduleConfig) -> None:
    """Refuses changed fields that would be ignored."""
    default, taken = ScheduleConfig(), SHAPES[schedule.name].fields
    for field in dict.fromkeys(f for shape in SHAPES.values() for f in shape.fields):
        value = getattr(schedule, field)
        if field in taken or value == getattr(default, field):
            continue
        takers = [name for name, shape in SHAPES.items() if field in shape.fields]
        raise UsageError(
            f"schedule.{field} is for {', '.join(takers)}: with {schedule.name} it "
            f"must stay {getattr(default, field)!r}; got {value!r}"
        )


def _check_rise(schedule: ScheduleConfig, epochs: int) -> None:
    rise = _share(schedule.rise, "schedule.warmup", epochs)
    hold = _share(schedule.hold, "schedule.hold", epochs)
    if (rise or 0) + (hold or 0) > 1 + 1e-9:
        raise UsageError(
            "schedule.warmup and schedule.hold must end within the run, which has "
            f"{epochs} epochs; got {schedule.rise!r} and {schedule.hold!r}"
        )


def _check_period(schedule: ScheduleConfig) -> None:
    number, unit = durations.parse(schedule.period, "schedule.period")
    if number == 0:
        raise UsageError(
            f"schedule.period must be longer than 0; got {schedule.period!r}"
        )
    is_whole = unit == "epoch" and number.is_integer()
    if schedule.name == "plateau" and not is_whole:
        raise UsageError(
            "schedule.period of plateau must be whole epochs, such as '3 epochs'; "
            f"got {schedule.period!r}"
        )


def _check_boundaries(schedule: ScheduleConfig, epochs: int) -> None:
    """Checks what can be compared: shares and epochs, apart from steps."""
    name, texts = "schedule.boundaries", schedule.boundaries
    if not texts:
        raise UsageError(f"{name} must hold a duration or more; got {texts!r}")
    rise = _share(schedule.rise, name, epochs) or 0
    hold = _share(schedule.hold, name, epochs) or 0
    shares = [_share(text, name, epochs) for text in texts]
    known = [share for share in shares if share is not None]
    steps = [durations.parse(text)[0] for text in texts if _is_steps(text)]
    if any(
        later <= earlier for row in (known, steps) for earlier, later in pairwise(row)
    ):
        raise UsageError(f"{name} must increase; got {texts!r}")
    if known and known[0] < rise + hold:
        raise UsageError(
            f"{name} must come after schedule.warmup and schedule.hold, "
            f"{schedule.rise!r} and {schedule.hold!r}; got {texts!r}"
        )


def _check_function(schedule: ScheduleConfig) -> None:
    text = schedule.function
    if schedule.name != "custom":
        return
    if text is None:
        raise UsageError(
            f"schedule.function of custom must be {custom.FORMS}; got {text!r}"
        )
    if not custom.is_function(text):
        custom.parse_points(text)


def _share(text: str, name: str, epochs: int) -> float | None:
    """Returns a duration as a share of the run; None where steps must be known."""
    number, unit = durations.parse(text, name)
    if unit == "step":
        return None
    return number / (100 if unit == "percent" else epochs)


def _is_steps(text: str) -> bool:
    return durations.parse(text)[1] == "step"
