"""Ranks of a graph: which box lies below which, and how far to the side.

After Sugiyama, Tagawa and Toda (1981): each box lies one rank below its lowest source,
an arrow over several ranks bends at a point in each, the order within a rank follows
the means of neighbors, and positions are as near to them as the widths allow.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

_GAP = 18.0  # between the boxes of a rank, in pixels
_POINT_WIDTH = 12.0  # kept free around an arrow that passes a rank
_SWEEPS = 8
_HEAVY = 1000.0  # how much more a box stays in its place than an arrow


@dataclasses.dataclass
class Item:
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
    above: list[Item] = dataclasses.field(default_factory=list)
    below: list[Item] = dataclasses.field(default_factory=list)
    chain: list[Item] = dataclasses.field(default_factory=list)
    x: float = 0.0


def make_ranks(
    widths: Sequence[float], sources: Sequence[Sequence[int]]
) -> list[list[Item]]:
    """Returns the items of each rank, joined to those of the ranks beside it.

    Args:
        widths: Of each box, in pixels.
        sources: For each box the boxes, all before it, that arrows come from.
    """
    numbers = _rank_numbers(sources)
    boxes = [Item(box, width, _HEAVY) for box, width in enumerate(widths)]
    ranks: list[list[Item]] = [[] for _ in range(max(numbers, default=0) + 1)]
    for item, number in zip(boxes, numbers, strict=True):
        ranks[number].append(item)
    for target, froms in enumerate(sources):
        for source in dict.fromkeys(froms):
            end = boxes[source]
            for number in range(numbers[source] + 1, numbers[target]):
                point = Item(None, _POINT_WIDTH, 1.0)
                ranks[number].append(point)
                _join(end, point)
                end = point
            _join(end, boxes[target])
    _find_chains(ranks)
    return ranks


def _join(upper: Item, lower: Item) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _find_chains(ranks: Sequence[Sequence[Item]]) -> None:
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


def _is_chained(item: Item) -> bool:
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


def place(ranks: Sequence[list[Item]]) -> None:
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


def _mean(items: Sequence[Item], otherwise: float) -> float:
    return sum(item.x for item in items) / len(items) if items else otherwise


def _spread(rank: Sequence[Item], wishes: Sequence[float]) -> None:
    """Moves items, in their order, as near to their wishes as their widths allow.

    Least squares under an order: neighbors that would overlap form a block, which
    stands at the weighted mean of what its items want.
    """
    if len(rank) == 1:
        rank[0].x = 0.0
        return
    offsets = [0.0]
    for left, right in itertools.pairwise(rank):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + _GAP)
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
