"""Where the boxes and arrows of a graph are drawn: ranks of boxes, in columns.

Where a rank holds one box and nothing else, the picture may go on in another column.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from kerastpu.summaries.ranks import Item, make_ranks, place

Point = tuple[float, float]

_GAP_Y = 30.0  # between ranks, in pixels
_COLUMN_GAP = 46.0
_MARGIN = 24.0
_ASPECT = 1.5  # width to height that columns aim at
_LAST = 12.0  # the straight end of an arrow
_LEAST_COLUMN = 480.0  # pixels: what is lower is not cut


@dataclasses.dataclass(frozen=True)
class Picture:
    """Pixels, from the upper left corner.

    Attributes:
        centers: Of each box.
        arrows: Points of each arrow, the head last.
        trunks: Lines without a head, from the end of a column to the next.
        width: Of the whole.
        height: Of the whole.
    """

    centers: tuple[Point, ...]
    arrows: tuple[tuple[Point, ...], ...]
    trunks: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def arrange(sizes: Sequence[Point], sources: Sequence[Sequence[int]]) -> Picture:
    """Lays out a graph.

    Args:
        sizes: Width and height of each box, in pixels.
        sources: For each box the boxes, all before it, that arrows come from.
    """
    ranks = make_ranks([width for width, _ in sizes], sources)
    place(ranks)
    heights = [
        max(sizes[item.box][1] for item in rank if item.box is not None)
        for rank in ranks
    ]
    return _Drawing(ranks, heights, sizes).picture()


class _Drawing:
    """From ranks to pixels."""

    def __init__(
        self,
        ranks: Sequence[Sequence[Item]],
        heights: Sequence[float],
        sizes: Sequence[Point],
    ) -> None:
        self._ranks, self._heights, self._sizes = ranks, heights, sizes
        self._columns = self._choose_columns()
        self._tops: list[float] = []  # of each rank
        self._middles: list[float] = []  # x of the column of each rank
        self._edges: list[tuple[float, float]] = []  # left and right of each column
        self._measure()

    def picture(self) -> Picture:
        """Returns centers and lines."""
        centers: dict[int, Point] = {}
        for number, rank in enumerate(self._ranks):
            for item in rank:
                if item.box is not None:
                    centers[item.box] = self._center(number, item)
        height = max(t + h for t, h in zip(self._tops, self._heights, strict=True))
        return Picture(
            tuple(centers[box] for box in range(len(self._sizes))),
            tuple(self._arrows()),
            tuple(self._trunks()),
            self._edges[-1][1] + _MARGIN,
            height + _MARGIN,
        )

    def _extent(self, number: int) -> Point:
        """Returns the leftmost and the rightmost x of a rank."""
        rank = self._ranks[number]
        return (
            min(item.x - item.width / 2 for item in rank),
            max(item.x + item.width / 2 for item in rank),
        )

    def _choose_columns(self) -> list[range]:
        """Cuts the ranks into columns so that the whole is a little wider than high."""
        best: tuple[float, list[range]] | None = None
        total = sum(height + _GAP_Y for height in self._heights)
        for count in range(1, len(self._ranks) + 1):
            columns = self._cut(max(total / count, _LEAST_COLUMN))
            width = sum(self._width(column) + _COLUMN_GAP for column in columns)
            height = max(
                sum(self._heights[n] + _GAP_Y for n in column) for column in columns
            )
            distance = abs(math.log(width / height / _ASPECT))
            if best is None or distance < best[0]:
                best = (distance, columns)
            if width > height * _ASPECT * 2:
                break
        return best[1] if best else []

    def _cut(self, height: float) -> list[range]:
        columns, start, filled = [], 0, 0.0
        last = len(self._ranks) - 1
        for number, rank in enumerate(self._ranks):
            filled += self._heights[number] + _GAP_Y
            if filled >= height and len(rank) == 1 and number < last:
                columns.append(range(start, number + 1))
                start, filled = number + 1, 0.0
        return [*columns, range(start, last + 1)]

    def _width(self, column: range) -> float:
        left, right = zip(*map(self._extent, column), strict=True)
        return max(right) - min(left)

    def _measure(self) -> None:
        """Sets tops, middles and edges."""
        edge = _MARGIN
        for number, column in enumerate(self._columns):
            left = min(self._extent(rank)[0] for rank in column)
            top = _MARGIN + (_GAP_Y if number else 0.0)
            for rank in column:
                self._tops.append(top)
                self._middles.append(edge - left)
                top += self._heights[rank] + _GAP_Y
            self._edges.append((edge, edge + self._width(column)))
            edge = self._edges[-1][1] + _COLUMN_GAP

    def _center(self, number: int, item: Item) -> Point:
        y = self._tops[number] + self._heights[number] / 2
        return self._middles[number] + item.x, y

    def _arrows(self) -> list[tuple[Point, ...]]:
        """Returns each arrow from a box, past points, to a box."""
        firsts = {column[0] for column in self._columns[1:]}
        arrows: list[tuple[Point, ...]] = []
        for number, rank in enumerate(self._ranks):
            for item in rank if number else ():
                if item.box is not None:
                    arrows += [self._way(number, item, up, firsts) for up in item.above]
        return arrows

    def _way(
        self, number: int, item: Item, above: Item, firsts: set[int]
    ) -> tuple[Point, ...]:
        """Follows an arrow backwards, from its head up to the box that it is from."""
        x = self._middles[number] + item.x
        y = self._center(number, item)[1] - self._sizes[item.box or 0][1] / 2
        points = [(x, y), (x, self._tops[number] - _LAST)]
        while True:
            if number in firsts:  # from the top of the column, where the trunk ends
                points.append((self._middles[number], self._tops[number] - _GAP_Y))
                break
            number -= 1
            x = self._middles[number] + above.x
            bottom = self._tops[number] + self._heights[number]
            points.append((x, bottom))
            if above.box is not None:
                y = self._center(number, above)[1] + self._sizes[above.box][1] / 2
                points.append((x, y))
                break
            points.append((x, self._tops[number] - _LAST))
            (above,) = above.above
        return tuple(reversed(points))

    def _trunks(self) -> list[tuple[Point, ...]]:
        """Returns the lines from the last box of a column to the top of the next."""
        trunks: list[tuple[Point, ...]] = []
        for number, column in enumerate(self._columns[1:]):
            last, first = column[0] - 1, column[0]
            x = self._middles[last] + self._ranks[last][0].x
            bottom = self._tops[last] + self._heights[last]
            gutter = self._edges[number][1] + _COLUMN_GAP / 2
            end = self._middles[first], self._tops[first] - _GAP_Y
            y = bottom + _LAST
            trunks.append(((x, bottom), (x, y), (gutter, y), (gutter, end[1]), end))
        return trunks
