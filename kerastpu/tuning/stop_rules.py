"""Trials that are not worth another epoch."""

from collections.abc import Sequence

import numpy as np

from kerastpu.tuning.trials import Trial

_MIN_RIVALS = 5  # of a median of fewer little can be said
_MIN_EPOCHS = 3  # what starts slowly gets as many


def is_below_median(curve: Sequence[float], others: Sequence[Trial]) -> bool:
    """Whether a trial's best error so far is worse than the median of the others'.

    As Google's Vizier does it (Golovin et al., 2017), but with the others' best errors
    up to the same epoch, not their mean ones, which for curves that fall steeply would
    let everything pass.

    Args:
        curve: error after each epoch of the trial.
        others: those that have come as far count.
    """
    done = len(curve)
    rivals = [trial for trial in others if trial.epochs >= done]
    if done < _MIN_EPOCHS or len(rivals) < _MIN_RIVALS:
        return False
    return min(curve) > float(np.median([min(t.curve[:done]) for t in rivals]))
