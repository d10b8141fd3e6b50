"""New sets near what did well: expected improvement on a Gaussian process.

Every trial counts with what it reached in each iteration; how far it was trained is an
axis of its own (as in Swersky, Snoek and Adams, 2013, multi-task Bayesian
optimization, with one task per iteration), so that the many short trials say where to
look and the few long ones what is to be reached there.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from kerastpu.tuning import latin_hypercube, surrogate
from kerastpu.tuning.dimensions import Dimension, values_at
from kerastpu.tuning.trials import Trial, level

Place = list[float | None]

MIN_TRIALS = 6  # below it nothing is learned, and new sets are drawn as the first were
_MAX_POINTS = 120  # of the process: what it costs grows with the cube
_CANDIDATES, _NEAR = 400, 40  # spread over the space; near each of the best
_BEST = 6
_WIDTHS = (0.03, 0.1, 0.25)  # of the steps from the best, of the axis


def propose(
    space: Sequence[Dimension],
    trials: Sequence[Trial],
    rungs: Sequence[int],
    num_sets: int,
    rng: np.random.Generator,
) -> list[Place]:
    """Proposes sets, of which one in four, drawn as the first were, only explores.

    Args:
        space: d dimensions.
        trials: what has been tried.
        rungs: epochs at the end of each iteration.
        num_sets: how many.
        rng: of all that is random.

    Returns:
        Places in the space, 0..1 each; None where a setting does not count.
    """
    usable = [trial for trial in trials if trial.is_usable]
    taken = {_key(space, trial.units) for trial in trials}
    chosen: list[Place] = []
    num_drawn = num_sets if len(usable) < MIN_TRIALS else num_sets // 4
    for row in latin_hypercube.sample(space, num_drawn, rng) if num_drawn else ():
        _add(space, as_list(row), chosen, taken)
    if num_drawn == num_sets:
        return chosen
    model = surrogate.fit(*observations(space, trials, rungs))
    tried = np.array([encode(space, trial.units, 1.0) for trial in usable])
    order = np.argsort(model.predict(tried)[0])[:_BEST]
    places = _candidates(space, [usable[i].units for i in order], rng)
    points = np.array([encode(space, place, 1.0) for place in places])
    for place in chosen:
        model = model.with_point(encode(space, place, 1.0))
    while places and len(chosen) < num_sets:
        lowest = float(model.predict(tried)[0].min())
        best = int(_expected_improvement(model, points, lowest).argmax())
        if _add(space, places[best], chosen, taken):
            model = model.with_point(points[best])
        places, points = _without(places, best), np.delete(points, best, 0)
    return chosen


def chances(
    space: Sequence[Dimension],
    trials: Sequence[Trial],
    rungs: Sequence[int],
    asked: Sequence[Trial],
    lowest: float,
) -> np.ndarray:
    """Returns how likely trials are to end below an error, (n,), 0..1.

    Args:
        space: d dimensions.
        trials: what has been tried, those asked about too.
        rungs: epochs at the end of each iteration.
        asked: n trials.
        lowest: the error.
    """
    model = surrogate.fit(*observations(space, trials, rungs))
    points = np.array([encode(space, trial.units, 1.0) for trial in asked])
    mean, deviation = model.predict(points)
    return ndtr((lowest - mean) / deviation)


def _without(places: list[Place], index: int) -> list[Place]:
    return places[:index] + places[index + 1 :]


def _add(
    space: Sequence[Dimension], place: Place, chosen: list[Place], taken: set[str]
) -> bool:
    """Chooses a place unless its settings have been tried; returns whether it did."""
    key = _key(space, place)
    if key in taken:
        return False
    taken.add(key)
    chosen.append(place)
    return True


def observations(
    space: Sequence[Dimension], trials: Sequence[Trial], rungs: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what was seen, as (inputs (n, d'), errors (n,)) of a surrogate.

    The newest and longest points are kept where there are too many. Errors far above
    the median are cut off: how bad the worst are says nothing of the best.
    """
    falls = _falls(trials, rungs)
    rows: list[tuple[int, np.ndarray, float]] = []
    for trial in trials:
        if not trial.is_usable:
            continue
        for end in _ends(trial, rungs):
            point = encode(space, trial.units, _share(end, rungs))
            left = sum(fall for at, fall in falls.items() if at >= end)
            rows.append((end, point, level(trial.curve[:end]) - left))
    rows = sorted(rows, key=lambda row: -row[0])[:_MAX_POINTS]
    errors = np.array([row[2] for row in rows])
    low, middle = np.quantile(errors, (0.05, 0.5))
    cap = middle + 2 * max(middle - low, 1e-12)
    return np.array([row[1] for row in rows]), np.minimum(errors, cap)


def _ends(trial: Trial, rungs: Sequence[int]) -> list[int]:
    """Returns the iterations whose end a trial has seen, else where it stopped."""
    return [end for end in rungs if end <= trial.epochs] or [trial.epochs]


def _falls(trials: Sequence[Trial], rungs: Sequence[int]) -> dict[int, float]:
    """Returns how much an error usually falls from the end of an iteration to the next.

    With that taken off, what is known of short trials is a guess of where they end,
    and the process has only to learn where that is wrong.
    """
    falls = {}
    for end, later in itertools.pairwise(rungs):
        seen = [
            level(trial.curve[:end]) - level(trial.curve[:later])
            for trial in trials
            if trial.is_usable and trial.epochs >= later
        ]
        falls[end] = float(np.median(seen)) if seen else 0.0
    return falls


def encode(
    space: Sequence[Dimension], units: Sequence[float | None], share: float
) -> np.ndarray:
    """Returns a place as a point of the surrogate.

    Numbers stay; values without order get an axis each; what does not count is midway,
    and says so on an axis of its own.
    """
    point: list[float] = []
    for dimension, unit in zip(space, units, strict=True):
        count = dimension.num_values
        if count is not None and count > 2 and not dimension.is_ordered:
            cell = None if unit is None else int(unit * count)
            point += [float(cell == i) for i in range(count)]
        else:
            if unit is not None and count is not None:
                unit = (int(unit * count) + 0.5) / count
            point.append(0.5 if unit is None else unit)
        if getattr(dimension, "conditions", ()):
            point.append(0.0 if unit is None else 1.0)
    return np.array([*point, share])


def as_list(row: np.ndarray) -> Place:
    """Returns a row of a design as plain numbers, None where it is NaN."""
    return [None if np.isnan(unit) else float(unit) for unit in row]


def _share(epochs: int, rungs: Sequence[int]) -> float:
    """Returns how far along, 1 for the end, on a logarithmic scale."""
    if len(rungs) == 1 or rungs[-1] == 1:
        return 1.0
    return float(np.log(max(1, epochs)) / np.log(rungs[-1]))


def _candidates(
    space: Sequence[Dimension],
    best: Sequence[Place],
    rng: np.random.Generator,
) -> list[Place]:
    filled = [rng.random((_CANDIDATES, len(space)))]
    for row in best:
        center = np.array([rng.random() if unit is None else unit for unit in row])
        width = rng.choice(_WIDTHS, (_NEAR, 1))
        moved = center + width * rng.normal(size=(_NEAR, len(space)))
        # Some settings stay as they are: the best are often right in most of them.
        stays = rng.random(moved.shape) < 0.5
        moved = np.where(stays, center, moved)
        moved = np.abs(moved)  # reflected at both ends
        filled.append(np.clip(np.where(moved > 1, 2 - moved, moved), 0, 1 - 1e-9))
    return [settle(space, row) for row in np.concatenate(filled)]


def settle(space: Sequence[Dimension], row: np.ndarray) -> Place:
    """Returns a place with None where a setting does not count."""
    values = values_at(space, row)
    placed: Place = []
    seen: set[str] = set()
    for dimension, unit in zip(space, row, strict=True):
        counts = dimension.name not in seen and dimension.name in values
        counts = counts and dimension.is_active(values)
        seen |= {dimension.name} if counts else set()
        placed.append(float(unit) if counts else None)
    return placed


def _key(space: Sequence[Dimension], units: Sequence[float | None]) -> str:
    filled = [0.0 if unit is None else unit for unit in units]
    return repr(values_at(space, filled))


def _expected_improvement(
    model: surrogate.Surrogate, points: np.ndarray, lowest: float
) -> np.ndarray:
    mean, deviation = model.predict(points)
    gap = lowest - mean
    ratio = gap / deviation
    density = np.exp(-0.5 * ratio**2) / np.sqrt(2 * np.pi)
    return gap * ndtr(ratio) + deviation * density
