"""Two things wanted at once: few errors, and few parameters or a short latency."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Returns which points no other one beats in both, by the first of the two.

    Args:
        points: pairs of numbers that are both to be small.

    Returns:
        Indices; of equal points the first.
    """
    order = sorted(range(len(points)), key=lambda i: points[i])
    kept: list[int] = []
    for i in order:
        if not kept or points[i][1] < points[kept[-1]][1]:
            kept.append(i)
    return kept
