"""The learning rate that drops where a metric stops falling, as a pure function."""

from collections.abc import Sequence

from kerastpu.config import values
from kerastpu.schedules import arguments


def plateau(
    history: Sequence[float],
    *,
    peak: float,
    decay: float,
    patience: int,
    floor: float = 0.0,
    min_delta: float = 1e-4,
    cooldown: int = 0,
) -> float:
    """Returns the rate of the next epoch, given the metric of each epoch so far.

    It is what `keras.callbacks.ReduceLROnPlateau` does: after `patience` epochs that
    are not better than the best one by more than `min_delta`, the rate becomes
    max(floor, rate x decay), and the count begins again after `cooldown` epochs. A NaN
    is never better.

    Args:
        history: a metric that should fall, such as the validation loss.
        peak: rate before the first drop.
        decay: factor of a drop, 1e-6..1.
        patience: epochs without improvement before a drop, at least 1.
        floor: lowest rate, 0..peak.
        min_delta: smallest fall that counts as improvement, in the metric's unit.
        cooldown: epochs after a drop that are not counted.

    Raises:
        UsageError: a number out of its range.
    """
    for name, end in (("peak", peak), ("floor", floor), ("min_delta", min_delta)):
        arguments.rate(name, end)
    values.in_range("decay", decay, 1e-6, 1.0)
    arguments.whole("patience", patience, 1)
    arguments.whole("cooldown", cooldown, 0)
    rate, best, waited, left_to_cool = peak, None, 0, 0
    for value in history:
        if left_to_cool:
            left_to_cool -= 1
            waited = 0
        if best is None or value + min_delta < best:
            best, waited = value, 0
        elif not left_to_cool:
            waited += 1
            if waited >= patience and rate > floor:
                rate = max(floor, rate * decay)
                waited, left_to_cool = 0, cooldown
    return rate
