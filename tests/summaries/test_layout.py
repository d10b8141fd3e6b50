"""Boxes do not overlap, lie inside, and every arrow goes from its source to its box."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu.summaries import layout

SIZE = (120.0, 50.0)


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 25))
    sources = [[]] + [
        draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True))
        for number in range(1, count)
    ]
    widths = draw(st.lists(st.integers(20, 300), min_size=count, max_size=count))
    return [(float(width), 50.0) for width in widths], sources


def ends(picture, sizes):
    """Returns top and bottom middle of each box."""
    tops = [
        (x, y - h / 2) for (x, y), (_, h) in zip(picture.centers, sizes, strict=True)
    ]
    bottoms = [
        (x, y + h / 2) for (x, y), (_, h) in zip(picture.centers, sizes, strict=True)
    ]
    return tops, bottoms


def check(picture, sizes, sources):
    boxes = list(zip(picture.centers, sizes, strict=True))
    for ((x, y), (w, h)), ((u, v), (b, a)) in itertools.combinations(boxes, 2):
        assert abs(x - u) >= (w + b) / 2 + 5 or abs(y - v) >= (h + a) / 2 + 5
    for (x, y), (w, h) in boxes:
        assert w / 2 < x < picture.width - w / 2
        assert h / 2 < y < picture.height - h / 2
    tops, bottoms = ends(picture, sizes)
    starts = bottoms + [trunk[-1] for trunk in picture.trunks]
    expected = [
        (source, target) for target, froms in enumerate(sources) for source in froms
    ]
    assert len(picture.arrows) == len(expected)
    heads = [arrow[-1] for arrow in picture.arrows]
    assert sorted(heads) == sorted(tops[target] for _, target in expected)
    assert all(arrow[0] in starts for arrow in picture.arrows)
    for line in picture.arrows + picture.trunks:
        assert all(0 <= x <= picture.width for x, _ in line)
        assert all(0 <= y <= picture.height for _, y in line)
    for arrow in picture.arrows:  # downwards all the way
        assert all(a[1] <= b[1] for a, b in itertools.pairwise(arrow))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_graph_is_laid_out(graph):
    sizes, sources = graph
    check(layout.arrange(sizes, sources), sizes, sources)


@pytest.mark.parametrize("length", [1, 2, 40, 150])
def test_a_chain_goes_on_in_columns_and_stays_straight(length):
    sources = [[], *([number] for number in range(length - 1))]
    picture = layout.arrange([SIZE] * length, sources)
    check(picture, [SIZE] * length, sources)
    columns = {x for x, _ in picture.centers}
    assert len(picture.trunks) == len(columns) - 1
    assert picture.width < 3 * picture.height or length < 5
    assert (len(columns) > 1) == (length > 10)


def test_blocks_with_a_shortcut_keep_their_boxes_in_one_line():
    sources = [[]]
    for _ in range(20):
        start = len(sources) - 1
        sources += [[start], [start + 1], [start + 2, start]]
    sizes = [(100.0 + 10 * (number % 7), 50.0) for number in range(len(sources))]
    picture = layout.arrange(sizes, sources)
    check(picture, sizes, sources)
    columns = {round(x) for x, _ in picture.centers}
    assert len(columns) <= len(picture.trunks) + 1
    # The line around a box is beside it.
    for arrow in picture.arrows:
        for (x, y), (u, v) in itertools.pairwise(arrow):
            for (a, b), (w, h) in zip(picture.centers, sizes, strict=True):
                inside = (
                    abs((x + u) / 2 - a) < w / 2 and abs((y + v) / 2 - b) < h / 2 - 1
                )
                assert not inside
