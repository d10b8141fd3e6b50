"""How much of the input each position of a feature map sees.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019: a window of k positions (d * (k - 1) + 1 with dilation d) and stride s,
with p positions of padding before the map, on a map of size r, stride j and first
position u gives

    size r + (k - 1) * j,   stride j * s,   first u - p * j

Where branches meet, the field is the smallest range that holds all of theirs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from kerastpu.summaries import kinds
from kerastpu.summaries.calls import Call, Shape

# Each position of the output is made of the same position of the input.
_BY_POSITION = (
    *(kinds.ACTIVATION, kinds.BATCH_NORM, kinds.DROPOUT, kinds.EMBEDDING),
    *(kinds.SCALE, kinds.RESIDUAL, kinds.MERGE, kinds.CONCAT),
)
_IDENTITIES = ("Identity", "Masking", "Flip")
# After these, a position sees all of them.
_EVERYWHERE = (kinds.ATTENTION, kinds.RECURRENT)


@dataclasses.dataclass(frozen=True)
class Range:
    """The field along one axis, in positions of the input: pixels, mostly.

    Attributes:
        size: How many one position of the map sees.
        stride: How far the fields of neighbors are apart.
        first: Where the field of position 0 begins; below 0 in the padding. None where
            it depends on an input size that is not known.
    """

    size: int
    stride: int
    first: int | None


@dataclasses.dataclass(frozen=True)
class Field:
    """The receptive field of a map, or why it has none.

    Attributes:
        ranges: For height and width, or for each axis of positions that there is.
        reason: Why there are no ranges: "all" if everything is seen, else the layer
            behind which fields are not defined.
    """

    ranges: tuple[Range, ...] = ()
    reason: str = ""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size along each axis; empty where the field is not defined."""
        return tuple(one.size for one in self.ranges)


ALL = Field(reason="all")


def of_calls(calls: Sequence[Call]) -> list[Field]:
    """Returns the receptive field of the first output of each call.

    Fields are not defined behind layers that make a map larger or move its positions,
    and where branches of different strides meet. A position sees all of the input
    after global pooling, `Flatten`, attention and recurrent layers, and where a map is
    multiplied by such a vector.

    Args:
        calls: Of `read_calls`.
    """
    fields: list[Field] = []
    for call in calls:
        fields.append(_field(call, [fields[source] for source in call.sources]))
    return fields


def _field(call: Call, sources: Sequence[Field]) -> Field:
    kind = kinds.of(call)
    if kind == kinds.INPUT:
        num_axes = _num_axes(call.output_shapes[0])
        return Field((Range(1, 1, 0),) * num_axes) if num_axes else ALL
    if kind == kinds.EMBEDDING and len(call.input_shapes[0]) == 1:
        return Field((Range(1, 1, 0),))  # the positions are those of the words
    if undefined := [one for one in sources if one.reason not in ("", "all")]:
        return undefined[0]
    if kind in _EVERYWHERE or ALL in sources or not _num_axes(call.output_shapes[0]):
        return ALL
    if kind in (kinds.CONV, kinds.POOL):
        return _through_window(call, sources[0])
    if kind == kinds.PADDING or call.kind.startswith("Cropping"):
        return _moved(call, sources[0])
    if _keeps_positions(call, kind):
        return _merged(call, sources)
    return Field(reason=call.name)


def _num_axes(shape: Shape) -> int:
    """Returns how many axes of positions there are beside that of the channels."""
    return max(0, len(shape) - 1)


def _keeps_positions(call: Call, kind: str) -> bool:
    """Whether an output's position depends on that position of the inputs alone."""
    if kind == kinds.CONCAT:
        axis = call.layer.axis
        return axis in (-1, len(call.output_shapes[0]))
    if kind == kinds.NORM:
        axis = getattr(call.layer, "axis", None)
        return axis in (-1, [-1], (-1,), [len(call.output_shapes[0])])
    if kind == kinds.DENSE:  # on the channels of each position
        return call.kind == "Dense"
    return kind in _BY_POSITION or (call.is_stock and call.kind in _IDENTITIES)


def _through_window(call: Call, field: Field) -> Field:
    layer: Any = call.layer
    if getattr(layer, "data_format", None) == "channels_first":
        return Field(reason=call.name)
    if "Global" in call.kind:
        return ALL
    windows = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if windows is None or len(windows) != len(field.ranges):
        return Field(reason=call.name)
    dilations = getattr(layer, "dilation_rate", None) or (1,) * len(windows)
    return Field(
        tuple(
            _range(one, dilation * (window - 1) + 1, stride, size, layer.padding)
            for one, window, dilation, stride, size in zip(
                field.ranges,
                windows,
                dilations,
                layer.strides,
                call.input_shapes[0][:-1],
                strict=True,
            )
        )
    )


def _range(
    before: Range, window: int, stride: int, num: int | None, padding: str
) -> Range:
    """Applies the formulas of the module along one axis of `num` positions."""
    padded = _padding_before(window, stride, num) if padding == "same" else 0
    if padding == "causal":
        padded = window - 1
    first = None
    if before.first is not None and padded is not None:
        first = before.first - padded * before.stride
    size = before.size + (window - 1) * before.stride
    return Range(size, before.stride * stride, first)


def _padding_before(window: int, stride: int, num: int | None) -> int | None:
    """Returns what "same" adds before a map; TensorFlow adds the odd one behind it."""
    if num is None:
        return (window - 1) // 2 if stride == 1 else None
    missing = (math.ceil(num / stride) - 1) * stride + window - num
    return max(0, missing) // 2


def _moved(call: Call, field: Field) -> Field:
    """Zero padding moves fields outwards, cropping inwards."""
    layer: Any = call.layer
    is_padding = kinds.of(call) == kinds.PADDING
    if call.kind == "Pad":  # a function, which has all axes
        sides = layer.pad_width[1:-1]
    else:
        sides = layer.padding if is_padding else layer.cropping
    if isinstance(sides[0], int):  # of one axis
        sides = (sides,)
    if len(sides) != len(field.ranges):
        return Field(reason=call.name)
    sign = -1 if is_padding else 1
    return Field(
        tuple(
            _shifted(one, sign * before * one.stride)
            for one, (before, _) in zip(field.ranges, sides, strict=True)
        )
    )


def _shifted(one: Range, distance: int) -> Range:
    first = None if one.first is None else one.first + distance
    return dataclasses.replace(one, first=first)


def _merged(call: Call, fields: Sequence[Field]) -> Field:
    """Returns the smallest field that holds all of them."""
    axes = list(zip(*(field.ranges for field in fields), strict=False))
    is_one_rank = len({len(field.ranges) for field in fields}) == 1
    if not is_one_rank or any(len({r.stride for r in axis}) > 1 for axis in axes):
        return Field(reason=call.name)
    return Field(tuple(_hull(axis) for axis in axes))


def _hull(ranges: Sequence[Range]) -> Range:
    stride = ranges[0].stride
    ends = [(r.first, r.first + r.size) for r in ranges if r.first is not None]
    if len(ends) < len(ranges):
        return Range(max(one.size for one in ranges), stride, None)
    first = min(start for start, _ in ends)
    return Range(max(end for _, end in ends) - first, stride, first)
