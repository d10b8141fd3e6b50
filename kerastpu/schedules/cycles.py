"""Learning rates that go up and down: one cycle, and many."""

import math

from kerastpu.schedules import arguments


def one_cycle(
    step: float,
    *,
    peak: float,
    start: float,
    floor: float = 0.0,
    down_steps: float,
    tail_steps: float,
) -> float:
    """The way back of one cycle: straight from peak to start, then on to the floor.

    Smith & Topin, 2018 (https://arxiv.org/abs/1708.07120): up and down by straight
    lines of one length, then far below the start for the rest of the run. The way up is
    `shapes.with_warmup`, with as many steps as `down_steps` for a cycle as theirs. The
    momentum stays what it is.

    Args:
        step: steps since the peak.
        peak: rate at step 0.
        start: rate that the cycle began with and comes back to, floor..peak.
        floor: rate at the end, far below the start.
        down_steps: steps from peak to start.
        tail_steps: steps from start to floor.
    """
    if step < down_steps:
        return peak + (start - peak) * step / down_steps
    if step < down_steps + tail_steps:
        return start + (floor - start) * (step - down_steps) / tail_steps
    return floor


def cyclic(
    step: float,
    *,
    peak: float,
    floor: float,
    period_steps: float,
    decay: float = 1.0,
    is_smooth: bool = False,
) -> float:
    """A triangle wave that starts at the floor: Smith's cyclical learning rate.

    With cycle n = 1 + floor(step / (2 period)) and x = |step / period - 2 n + 1|, the
    rate is floor + (peak - floor) (1 - x) decay^(n - 1). Smith, 2017
    (https://arxiv.org/abs/1506.01186): decay 1 is his "triangular", 0.5 "triangular2".

    Args:
        step: steps since the start of a rise.
        peak: top of the first cycle.
        floor: bottom of every cycle.
        period_steps: steps from floor to peak, half a cycle (his "stepsize").
        decay: factor on the height from one cycle to the next, above 0, at most 1.
        is_smooth: whether the height shrinks at every step, decay^(step / (2 period)),
            his "exp_range" of gamma = decay^(1 / (2 period)).

    Raises:
        UsageError: period_steps is not above 0.
    """
    arguments.positive("period_steps", period_steps)
    cycle = 1 + math.floor(step / (2 * period_steps))
    share = 1 - abs(step / period_steps - 2 * cycle + 1)
    num_decays = step / (2 * period_steps) if is_smooth else cycle - 1
    height = (peak - floor) * decay**num_decays
    return min(peak, floor + height * min(1.0, max(0.0, share)))
