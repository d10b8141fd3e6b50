"""Learning rates as pure functions: plain numbers in, a plain number out.

A *fall* counts its steps from the moment when the rate leaves the peak. `with_warmup`
puts rise and hold before it, and makes it a function of the step of the run.
"""

import functools
import math
from collections.abc import Callable, Sequence

from kerastpu.schedules import arguments

LearningRateFunction = Callable[[float], float]


def constant(step: float, *, value: float) -> float:
    """The same learning rate at every step."""
    return value


def cosine(
    step: float, *, peak: float, floor: float = 0.0, total_steps: float
) -> float:
    """Half a cosine: floor + (peak - floor) (1 + cos(pi step / total_steps)) / 2.

    Loshchilov & Hutter, 2016 (https://arxiv.org/abs/1608.03983), without restarts.

    Args:
        step: steps since the peak.
        peak: rate at step 0.
        floor: rate at `total_steps` and after, 0..peak.
        total_steps: length of the fall.
    """
    share = (1 + math.cos(math.pi * _progress(step, total_steps))) / 2
    return _blend(floor, peak, share)


def exponential(
    step: float, *, peak: float, floor: float = 0.0, decay: float, decay_steps: float
) -> float:
    """Exponential fall: floor + (peak - floor) decay^(step / decay_steps).

    Args:
        step: steps since the peak.
        peak: rate at step 0.
        floor: what the rate goes towards, 0..peak.
        decay: factor per `decay_steps`, above 0, at most 1.
        decay_steps: steps in which the distance to the floor shrinks by `decay`.
    """
    arguments.positive("decay_steps", decay_steps)
    return _blend(floor, peak, decay ** (step / decay_steps))


def step_decay(
    step: float, *, peak: float, floor: float = 0.0, decay: float, period_steps: float
) -> float:
    """Stairs of one length: floor + (peak - floor) decay^n, n = full periods so far.

    Args:
        step: steps since the peak.
        peak: rate of the first period.
        floor: what the rate goes towards, 0..peak.
        decay: factor at each drop, above 0, at most 1.
        period_steps: steps between two drops.
    """
    arguments.positive("period_steps", period_steps)
    return _blend(floor, peak, decay ** (step // period_steps))


def multistep(
    step: float,
    *,
    peak: float,
    floor: float = 0.0,
    decay: float,
    boundaries: Sequence[float],
) -> float:
    """Stairs at chosen steps: floor + (peak - floor) decay^n, n = boundaries reached.

    Args:
        step: steps since the peak.
        peak: rate before the first boundary.
        floor: what the rate goes towards, 0..peak.
        decay: factor at each boundary, above 0, at most 1.
        boundaries: the first step of each lower rate, counted as `step` is.
    """
    num_drops = sum(step >= boundary for boundary in boundaries)
    return _blend(floor, peak, decay**num_drops)


def polynomial(
    step: float,
    *,
    peak: float,
    floor: float = 0.0,
    power: float = 1.0,
    total_steps: float,
) -> float:
    """Power of what is left: floor + (peak - floor) (1 - step / total_steps)^power.

    Args:
        step: steps since the peak.
        peak: rate at step 0.
        floor: rate at `total_steps` and after, 0..peak.
        power: 1 is a straight line, more falls faster at first.
        total_steps: length of the fall.
    """
    return _blend(floor, peak, (1 - _progress(step, total_steps)) ** power)


def with_warmup(
    fall: LearningRateFunction,
    *,
    peak: float,
    start: float = 0.0,
    warmup_steps: float = 0,
    hold_steps: float = 0,
) -> LearningRateFunction:
    """Puts a linear rise and a time at the peak before a fall.

    start + (peak - start) step / warmup_steps while step < warmup_steps, the peak for
    `hold_steps` from there, then fall(step - warmup_steps - hold_steps). Goyal et al.,
    2017 (https://arxiv.org/abs/1706.02677) rise so where batches are large.

    Args:
        fall: rate by the steps since the peak; `peak` at 0.
        peak: rate at the end of the rise.
        start: rate at step 0, 0..peak.
        warmup_steps: length of the rise.
        hold_steps: time at the peak after it.

    Returns:
        Rate by the steps since the start of the run.
    """

    def rate(step: float) -> float:
        if step < warmup_steps:
            return _blend(start, peak, step / warmup_steps)
        if step <= warmup_steps + hold_steps:
            return peak
        return fall(step - warmup_steps - hold_steps)

    return rate


def first_stair(peak: float, warmup_steps: float) -> float:
    """Returns where a rise of equal stairs starts: peak / (warmup_steps + 1).

    From 0 the first step would be one without learning.
    """
    return peak / (warmup_steps + 1)


def warmup_cosine(
    step: float,
    *,
    peak: float,
    warmup_steps: float,
    total_steps: float,
    start: float | None = None,
    hold_steps: float = 0,
    floor: float = 0.0,
) -> float:
    """Linear rise to `peak`, hold, then half a cosine down to `floor`.

    Args:
        step: optimizer steps done so far.
        peak: highest learning rate, reached at `warmup_steps`.
        warmup_steps: steps of the rise.
        total_steps: step at which the rate is `floor`.
        start: rate at step 0 where there is a rise, 0..peak; None = `first_stair`.
        hold_steps: steps at the peak.
        floor: rate at the end, 0..peak.

    Returns:
        The learning rate, between min(start, floor) and peak.
    """
    start = first_stair(peak, warmup_steps) if start is None else start
    fall_steps = total_steps - warmup_steps - hold_steps
    fall = functools.partial(cosine, peak=peak, floor=floor, total_steps=fall_steps)
    rate = with_warmup(
        fall, peak=peak, start=start, warmup_steps=warmup_steps, hold_steps=hold_steps
    )
    return rate(step)


def ramp_sustain_decay(
    epoch: float,
    *,
    start: float = 1e-5,
    peak: float,
    floor: float = 1e-5,
    ramp_epochs: float = 5,
    sustain_epochs: float = 0,
    decay: float = 0.8,
) -> float:
    """The codelab's warm-up: linear ramp, plateau, exponential decay.

    Source: "Keras on TPU" codelab, Xception fine-tuning notebook.

    Args:
        epoch: passes done so far; whole numbers give the codelab's table, fractions
            lie on the same curve.
        start: rate at epoch 0.
        peak: rate at the end of the ramp.
        floor: what the decay goes towards.
        ramp_epochs: length of the ramp.
        sustain_epochs: length of the plateau.
        decay: factor per epoch after the plateau.

    Returns:
        The learning rate, between min(start, floor) and peak.
    """
    fall = functools.partial(
        exponential, peak=peak, floor=floor, decay=decay, decay_steps=1
    )
    rate = with_warmup(
        fall,
        peak=peak,
        start=start,
        warmup_steps=ramp_epochs,
        hold_steps=sustain_epochs,
    )
    return rate(epoch)


def by_epoch(
    function: LearningRateFunction, steps_per_epoch: int
) -> LearningRateFunction:
    """Turns a function of the epoch into one of the step, stepping once an epoch."""
    arguments.positive("steps_per_epoch", steps_per_epoch)

    @functools.wraps(function)
    def of_step(step: float) -> float:
        return function(step // steps_per_epoch)

    return of_step


def _progress(step: float, total_steps: float) -> float:
    """Returns the share of a stretch that is over, 0..1; 1 where it has no length."""
    return min(1.0, step / total_steps) if total_steps > 0 else 1.0


def _blend(low: float, high: float, share: float) -> float:
    """Returns low + (high - low) share, exact at 0 and 1 and never outside of them."""
    return min(max(low * (1 - share) + high * share, low), high)
