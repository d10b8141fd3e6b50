"""The controls for a budget."""

import math
from dataclasses import replace

from kerastpu.errors import UsageError
from kerastpu.tuning.controls import Controls

# Of the budget for the first sets; the rest is for what is proposed after them.
_FIRST_SHARE = 0.3
# A third loses what starts slowly, a half trains too many for too long.
_RETENTION = 0.42
_MOST_TRIALS = 1000


def for_budget(epochs: int, longest: int, retention: float = _RETENTION) -> Controls:
    """Returns controls whose trials together take about `epochs`.

    Args:
        epochs: of all trials together; what `Halving` should be given as its budget.
        longest: epochs of the trials that are never dropped, at least 1.
        retention: about the share of the sets kept at each drop.

    Raises:
        UsageError: the budget is less than one trial of `longest` epochs.
    """
    if epochs < longest:
        raise UsageError(
            f"a budget of {epochs} epochs is less than one trial of {longest}; allow "
            "more, or train for fewer epochs"
        )
    best = for_trials(1, longest, retention)
    for num_trials in range(2, _MOST_TRIALS):
        controls = replace(best, num_trials=num_trials)
        if controls.cost() > epochs * _FIRST_SHARE:
            break
        best = controls
    return best


def for_trials(
    num_trials: int, longest: int, retention: float = _RETENTION
) -> Controls:
    """Returns controls for a number of first sets, the last drop before `longest`.

    Args:
        num_trials: sets to begin with.
        longest: epochs of the trials that are never dropped, at least 1.
        retention: about the share of the sets kept at each drop.
    """
    # As many drops as leave the first ones at least 2 epochs: 1 says little.
    drops = max(0, math.floor(math.log(max(1, longest / 2), 1 / retention) + 1e-9))
    first = max(1, round(longest * retention**drops))
    if drops:  # the last iteration is to end at `longest` to the epoch
        retention = (first / longest) ** (1 / drops)
    else:
        first = longest
    return Controls(first, drops + 1, num_trials, retention)
