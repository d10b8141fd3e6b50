"""How much each setting counts: its main effect on the predicted error."""

from collections.abc import Sequence

import numpy as np

from kerastpu.errors import UsageError
from kerastpu.tuning import latin_hypercube, proposals, surrogate
from kerastpu.tuning.dimensions import Dimension
from kerastpu.tuning.trials import Trial

_POINTS, _STEPS = 128, 12


def main_effects(
    space: Sequence[Dimension], trials: Sequence[Trial], rungs: Sequence[int]
) -> dict[str, float]:
    """Returns the share of the error's variance that each setting makes by itself.

    A Gaussian process is fitted to the trials; of what it predicts for the longest
    training, all other settings are averaged out (first-order Sobol index; as in
    functional ANOVA, Hutter, Hoos and Leyton-Brown, 2014). What settings make only
    together is missing from the sum.

    Args:
        space: d dimensions.
        trials: what has been tried.
        rungs: epochs at the end of each iteration.

    Returns:
        Name -> 0..1, the most important first.

    Raises:
        UsageError: too few trials have a result.
    """
    usable = [trial for trial in trials if trial.is_usable]
    if len(usable) < proposals.MIN_TRIALS:
        raise UsageError(
            f"importance needs {proposals.MIN_TRIALS} trials with a result or more; "
            f"there are {len(usable)}"
        )
    model = surrogate.fit(*proposals.observations(space, usable, rungs))
    rng = np.random.default_rng(0)
    rows = np.nan_to_num(latin_hypercube.sample(space, _POINTS, rng), nan=0.5)
    total = float(_predict(space, model, rows).var()) or 1.0
    shares = {}
    for column, dimension in enumerate(space):
        means = []
        for place in (np.arange(_STEPS) + 0.5) / _STEPS:
            moved = rows.copy()
            moved[:, column] = place
            means.append(_predict(space, model, moved).mean())
        shares[dimension.name] = min(1.0, float(np.var(means)) / total)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _predict(
    space: Sequence[Dimension], model: surrogate.Surrogate, rows: np.ndarray
) -> np.ndarray:
    places = [proposals.settle(space, row) for row in rows]
    points = np.array([proposals.encode(space, place, 1.0) for place in places])
    return model.predict(points)[0]
