"""What stands in the cells of a table."""

from __future__ import annotations

from collections.abc import Sequence

from kerastpu.summaries.calls import Shape
from kerastpu.summaries.receptive_field import Field


def number(value: int | None) -> str:
    """Returns 1,234,567, and "-" for what is not known."""
    return "-" if value is None else f"{value:,}"


def sizes(shape: Shape) -> str:
    """Returns 112x112x64; "?" for a size that is not known, "1" for a lone number."""
    return "x".join("?" if size is None else str(size) for size in shape) or "1"


def field(value: Field) -> tuple[str, str, str]:
    """Returns size, stride and offset of a receptive field, one number if all agree."""
    if not value.ranges:
        return ("all" if value.reason == "all" else "undefined", "", "")
    axes = zip(*((r.size, r.stride, r.first) for r in value.ranges), strict=True)
    size, stride, first = (_axes(axis) for axis in axes)
    return size, stride, first


def _axes(values: Sequence[int | None]) -> str:
    texts = ["?" if value is None else str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else ",".join(texts)
