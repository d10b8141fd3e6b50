"""A network as a picture: boxes and arrows, drawn by matplotlib alone.

A box is a layer with what belongs to it (see `rows`: padding, BatchNorm, activation),
under its name, above the shape of what it makes. Long networks go on in columns.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerastpu import files
from kerastpu.errors import UsageError
from kerastpu.summaries import cells, kinds, layout
from kerastpu.summaries.rows import Row, fold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kerastpu.summaries.measures import ModelMeasures

ENDINGS = (".png", ".svg")

_DPI = 100  # a pixel of the layout is a pixel of the PNG
_FONT_SIZE, _TITLE_SIZE = 8.5, 10.0  # points: 12 and 14 pixels
_LINE, _PADDING = 14.0, 8.0  # pixels
_MAX_NAME = 40  # characters; longer ones are cut in the middle
_TITLE = 30.0
_EDGE = "#555555"
# Tints of the colors that Okabe and Ito (2008) chose for color-blind readers.
_COLORS = {
    kinds.INPUT: "#E0E0E0",
    kinds.CONV: "#CCE3F0",
    kinds.TRANSPOSED: "#CCE3F0",
    kinds.POOL: "#CCECE3",
    kinds.DENSE: "#FAECCC",
    kinds.BATCH_NORM: "#F5E4ED",
    kinds.NORM: "#F5E4ED",
    kinds.RESIDUAL: "#F7DFCC",
    kinds.CONCAT: "#F7DFCC",
    kinds.MERGE: "#F7DFCC",
    kinds.RECURRENT: "#DDF0FB",
    kinds.ATTENTION: "#DDF0FB",
}
_OTHER_COLOR = "#F5F5F5"


def check(path: Path) -> None:
    """Refuses a picture that is neither PNG nor SVG.

    Raises:
        UsageError: `path` has another ending.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"a diagram must end in .png or .svg; got {path}")


def save(measures: ModelMeasures, path: Path) -> None:
    """Draws a measured model into a file, whole or not at all.

    Args:
        measures: Of `measure`.
        path: Ends in .png or .svg; its folder is made where it is not there.

    Raises:
        UsageError: `path` has another ending.
        OSError: it cannot be written.
    """
    check(path)
    import matplotlib

    figure = draw(measures)
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix.lower()[1:]
    metadata = {"Date": None} if kind == "svg" else None
    with (
        files.replacing(path) as temporary,
        # Text stays text in SVG, and equal networks give equal files.
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "kerastpu"}),
    ):
        figure.savefig(temporary, dpi=_DPI, format=kind, metadata=metadata)


def draw(measures: ModelMeasures) -> Figure:
    """Draws a measured model; a PNG of 100 dots per inch is legible."""
    from matplotlib.figure import Figure

    rows = fold(measures.calls, batch_norm=True)
    texts = [_texts(row) for row in rows]
    picture = layout.arrange(
        [_size(lines) for lines in texts], [row.sources for row in rows]
    )
    title = _title(measures)
    width = max(picture.width, _text_width(title, size=_TITLE_SIZE) + 48)
    height = picture.height + _TITLE
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    axes.text(24, 16, title, fontsize=_TITLE_SIZE, va="center", parse_math=False)
    _draw_lines(axes, picture)
    for row, lines, center in zip(rows, texts, picture.centers, strict=True):
        color = _COLORS.get(row.kind, _OTHER_COLOR)
        _draw_box(axes, lines, (center[0], center[1] + _TITLE), color)
    return figure


def _title(measures: ModelMeasures) -> str:
    text = f"{measures.name}: {measures.num_parameters:,} parameters"
    if measures.flops is not None:
        text += f", {measures.flops:,} FLOPs"
    return text


def _texts(row: Row) -> tuple[str, str, str]:
    """Returns name, what it does, and the shape of what it makes."""
    shape = ", ".join(map(cells.sizes, row.call.output_shapes))
    return _shortened(row.call.name), _describe(row), shape


def _describe(row: Row) -> str:
    """Returns such as "Conv2D 3x3 /2, BatchNorm, relu"."""
    layer: Any = row.call.layer
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    strides = getattr(layer, "strides", None)
    words = row.call.kind
    if window:
        words += f" {cells.sizes(tuple(window))}"
    if window and strides and set(strides) != {1}:
        number = strides[0] if len(set(strides)) == 1 else cells.sizes(tuple(strides))
        words += f" /{number}"
    found = {kinds.of(call) for call in row.folded}
    if kinds.BATCH_NORM in found:
        words += ", BatchNorm"
    if kinds.SCALE in found:
        words += ", scaled"
    is_known = row.activation != "linear" and row.activation != row.call.kind.lower()
    return f"{words}, {row.activation}" if is_known else words


def _shortened(name: str) -> str:
    if len(name) <= _MAX_NAME:
        return name
    half = (_MAX_NAME - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _size(lines: Sequence[str]) -> layout.Point:
    name, *others = lines
    widths = [_text_width(name, is_bold=True), *map(_text_width, others)]
    return max(widths) + 2 * _PADDING, len(lines) * _LINE + 2 * _PADDING - 4


@functools.cache
def _text_width(text: str, *, is_bold: bool = False, size: float = _FONT_SIZE) -> float:
    """Returns pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(weight="bold" if is_bold else "normal", size=size)
    points = TextToPath().get_text_width_height_descent(text, font, ismath=False)[0]
    return float(points) * _DPI / 72


def _draw_lines(axes: Any, picture: layout.Picture) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    arrows = [[(x, y + _TITLE) for x, y in points] for points in picture.arrows]
    trunks = [[(x, y + _TITLE) for x, y in points] for points in picture.trunks]
    heads = [[(x, y), (x - 3.5, y - 7), (x + 3.5, y - 7)] for *_, (x, y) in arrows]
    axes.add_collection(LineCollection(arrows + trunks, colors=_EDGE, linewidths=0.9))
    axes.add_collection(PolyCollection(heads, facecolors=_EDGE, edgecolors="none"))


def _draw_box(
    axes: Any, lines: Sequence[str], center: layout.Point, color: str
) -> None:
    from matplotlib.patches import FancyBboxPatch

    width, height = _size(lines)
    x, y = center[0] - width / 2, center[1] - height / 2
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=4",
            facecolor=color,
            edgecolor=_EDGE,
            linewidth=0.8,
        )
    )
    for number, line in enumerate(lines):
        axes.text(
            center[0],
            center[1] + (number - (len(lines) - 1) / 2) * _LINE,
            line,
            fontsize=_FONT_SIZE,
            fontweight="bold" if number == 0 else "normal",
            ha="center",
            va="center",
            parse_math=False,
        )
