"""Latin hypercube: few points, and yet each setting alone is covered evenly.

n points cut each axis into n strata of equal probability and put one point into each,
in a random order of its own for every axis (McKay, Beckman and Conover, 1979,
Technometrics 21). Of several such designs the one whose closest points are furthest
apart is taken (maximin; Morris and Mitchell, 1995).

What holds for any n and any number of dimensions:

* a number: one point in each of its n strata, also on a log scale;
* a setting with k equally likely values (choices, booleans, whole numbers): each value
  n/k times, rounded up or down;
* a conditional setting: the same among those points at which it counts.
"""

from collections.abc import Sequence

import numpy as np

from kerastpu.tuning.dimensions import Dimension, Values

_DESIGNS = 16  # that compete; more gain little
_MAX_COMPARED = 128  # points among which distances are taken; beyond it costs too much


def sample(
    space: Sequence[Dimension], num_points: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws a design.

    Args:
        space: d dimensions, those that others depend on first.
        num_points: n, at least 1.
        rng: of all that is random.

    Returns:
        float64 (n, d), 0 <= x < 1; NaN where a dimension does not count. `values_at`
        of `dimensions` makes settings of a row.
    """
    num_designs = _DESIGNS if 2 < num_points <= _MAX_COMPARED and len(space) > 1 else 1
    designs = [_design(space, num_points, rng) for _ in range(num_designs)]
    return max(designs, key=_spread) if num_designs > 1 else designs[0]


def strata(
    num_points: int, num_values: int | None, rng: np.random.Generator
) -> np.ndarray:
    """Draws one axis: evenly covered, in random order.

    Args:
        num_points: n.
        num_values: k, of equally likely values; None = a number.
        rng: of all that is random.

    Returns:
        float64 (n,), 0 <= x < 1: one in each [i/n, (i+1)/n), or with k values each
        [j/k, (j+1)/k) holds n/k of them, rounded up or down.
    """
    if num_values is None:
        cells, num_cells = rng.permutation(num_points), num_points
    else:
        rounds = -(-num_points // num_values)
        order = [rng.permutation(num_values) for _ in range(rounds)]
        cells = np.concatenate([*order, np.empty(0, int)])[:num_points]
        cells, num_cells = rng.permutation(cells), num_values
    inside = rng.random(num_points)
    # Rounding must not carry a point over the end of its cell.
    return np.minimum(
        (cells + inside) / num_cells, np.nextafter((cells + 1) / num_cells, 0)
    )


def _design(
    space: Sequence[Dimension], num_points: int, rng: np.random.Generator
) -> np.ndarray:
    units = np.full((num_points, len(space)), np.nan)
    values: list[Values] = [{} for _ in range(num_points)]
    for column, dimension in enumerate(space):
        active = [i for i in range(num_points) if dimension.is_active(values[i])]
        drawn = strata(len(active), dimension.num_values, rng)
        units[active, column] = drawn
        for row, unit in zip(active, drawn, strict=True):
            values[row][dimension.name] = dimension.value(float(unit))
    return units


def _spread(units: np.ndarray) -> float:
    """Returns the smallest distance between two points; absent settings are midway."""
    filled = np.nan_to_num(units, nan=0.5)
    squares = ((filled[:, None] - filled[None]) ** 2).sum(-1)
    return float(squares[np.triu_indices(len(filled), 1)].min())
