"""Where the boxes and arrows of a graph are drawn: layers of boxes, in columns.

After Sugiyama, Tagawa and Toda (1981): each box lies one rank below its lowest source,
an arrow over several ranks bends at a point in each, the order within a rank follows
the means of neighbors, and positions are as near to them as the widths allow. Where a
rank holds one box and nothing else, the picture may go on in another column.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

Point = tuple[float, float]

_GAP_X, _GAP_Y = 18.0, 30.0  # between boxes, in pixels
_COLUMN_GAP = 46.0
_MARGIN = 24.0
_POINT_WIDTH = 12.0  # kept free around an arrow that passes a rank
_ASPECT = 1.5  # width to height that columns aim at
_SWEEPS = 8
_LAST = 12.0  # the straight end of an arrow
_HEAVY = 1000.0  # how much more a box stays in its place than an arrow
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


@dataclasses.dataclass
class _Item:
    """A box, or the point where an arrow passes a rank.

    Attributes:
        box: Its number; None: a point.
        width: Pixels.
        weight: How much it stays where it wants to be.
        above: Items of the rank before that lead here.
        below: Items of the rank after that this leads to.
        chain: Those that should stand in one line with it, itself too.
        x: Its middle, with that of the column as 0.
    """

    box: int | None
    width: float
    weight: float
    above: list[_Item] = dataclasses.field(default_factory=list)
    below: list[_Item] = dataclasses.field(default_factory=list)
    chain: list[_Item] = dataclasses.field(default_factory=list)
    x: float = 0.0


def arrange(sizes: Sequence[Point], sources: Sequence[Sequence[int]]) -> Picture:
    """Lays out a graph.

    Args:
        sizes: Width and height of each box, in pixels.
        sources: For each box the boxes, all before it, that arrows come from.
    """
    ranks = _make_ranks(sizes, sources)
    _place(ranks)
    heights = [
        max(sizes[item.box][1] for item in rank if item.box is not None)
        for rank in ranks
    ]
    return _Drawing(ranks, heights, sizes).picture()


def _make_ranks(
    sizes: Sequence[Point], sources: Sequence[Sequence[int]]
) -> list[list[_Item]]:
    """Returns the items of each rank, joined to those of the ranks beside it."""
    numbers = _rank_numbers(sources)
    boxes = [_Item(box, width, _HEAVY) for box, (width, _) in enumerate(sizes)]
    ranks: list[list[_Item]] = [[] for _ in range(max(numbers, default=0) + 1)]
    for item, number in zip(boxes, numbers, strict=True):
        ranks[number].append(item)
    for target, froms in enumerate(sources):
        for source in dict.fromkeys(froms):
            end = boxes[source]
            for number in range(numbers[source] + 1, numbers[target]):
                point = _Item(None, _POINT_WIDTH, 1.0)
                ranks[number].append(point)
                _join(end, point)
                end = point
            _join(end, boxes[target])
    _find_chains(ranks)
    return ranks


def _join(upper: _Item, lower: _Item) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _find_chains(ranks: Sequence[Sequence[_Item]]) -> None:
    """Sets the chain of each item; all of it gets the room of its widest box.

    A chain are items of which each has the next as its only neighbor below, and the
    other way round.
    """
    for rank in ranks:
        for item in rank:
            if _is_chained(item):
                continue
            chain = [item]
            while len(chain[-1].below) == 1 and _is_chained(chain[-1].below[0]):
                chain.append(chain[-1].below[0])
            width = max(one.width for one in chain)
            weight = max(one.weight for one in chain)
            for one in chain:
                one.width, one.weight, one.chain = width, weight, chain


def _is_chained(item: _Item) -> bool:
    """Whether the chain of an item begins above it."""
    return len(item.above) == 1 and len(item.above[0].below) == 1


def _rank_numbers(sources: Sequence[Sequence[int]]) -> list[int]:
    """Returns the longest way to each box; one without sources is near its taker."""
    numbers = [0] * len(sources)
    takers: dict[int, list[int]] = {}
    for target, froms in enumerate(sources):
        numbers[target] = max((numbers[one] + 1 for one in froms), default=0)
        for source in froms:
            takers.setdefault(source, []).append(target)
    for box, froms in enumerate(sources):
        if not froms and box in takers:
            numbers[box] = min(numbers[taker] for taker in takers[box]) - 1
    return numbers


def _place(ranks: Sequence[list[_Item]]) -> None:
    """Gives each item its x; a box that is alone in its rank is in the middle."""
    for rank in ranks:
        _spread(rank, [0.0] * len(rank))
    for sweep in range(_SWEEPS):
        is_down = sweep % 2 == 0
        for rank in ranks if is_down else reversed(ranks):
            wishes = {
                id(item): _mean(item.above if is_down else item.below, item.x)
                for item in rank
            }
            rank.sort(key=lambda item: wishes[id(item)])
            _spread(rank, [wishes[id(item)] for item in rank])
    for _ in range(_SWEEPS):
        for rank in ranks:
            _spread(rank, [_mean(item.chain, item.x) for item in rank])


def _mean(items: Sequence[_Item], otherwise: float) -> float:
    return sum(item.x for item in items) / len(items) if items else otherwise


def _spread(rank: Sequence[_Item], wishes: Sequence[float]) -> None:
    """Moves items, in their order, as near to their wishes as their widths allow.

    Least squares under an order: neighbors that would overlap form a block, which
    stands at the weighted mean of what its items want.
    """
    if len(rank) == 1:
        rank[0].x = 0.0
        return
    offsets = [0.0]
    for left, right in itertools.pairwise(rank):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + _GAP_X)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, items
    for item, wish, offset in zip(rank, wishes, offsets, strict=True):
        mean, weight, count = wish - offset, item.weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_weight, other_count = blocks.pop()
            total = weight + other_weight
            mean = (mean * weight + other * other_weight) / total
            weight, count = total, count + other_count
        blocks.append((mean, weight, count))
    starts = [mean for mean, _, count in blocks for _ in range(count)]
    for item, start, offset in zip(rank, starts, offsets, strict=True):
        item.x = start + offset


class _Drawing:
    """From ranks to pixels."""

    def __init__(
        self,
        ranks: Sequence[Sequence[_Item]],
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
        for place, column in enumerate(self._columns):
            left = min(self._extent(number)[0] for number in column)
            top = _MARGIN + (_GAP_Y if place else 0.0)
            for number in column:
                self._tops.append(top)
                self._middles.append(edge - left)
                top += self._heights[number] + _GAP_Y
            self._edges.append((edge, edge + self._width(column)))
            edge = self._edges[-1][1] + _COLUMN_GAP

    def _center(self, number: int, item: _Item) -> Point:
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
        self, number: int, item: _Item, above: _Item, firsts: set[int]
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
        for place, column in enumerate(self._columns[1:]):
            last, first = column[0] - 1, column[0]
            x = self._middles[last] + self._ranks[last][0].x
            bottom = self._tops[last] + self._heights[last]
            gutter = self._edges[place][1] + _COLUMN_GAP / 2
            end = self._middles[first], self._tops[first] - _GAP_Y
            y = bottom + _LAST
            trunks.append(((x, bottom), (x, y), (gutter, y), (gutter, end[1]), end))
        return trunks
