"""The window of a convolution or a pooling: size, step, distance of taps, border."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.importers import limits
from kerastpu.importers.attributes import Attribute, integer, integers, text
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError

if TYPE_CHECKING:
    import keras

ATTRIBUTES = {
    "auto_pad": text("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    "kernel_shape": integers(),
    "pads": integers(),
    "strides": integers(),
}
Pads = tuple[tuple[int, int], ...]
# A number that no other is smaller than: what is put on a border does not win.
LOWEST = float(np.finfo(np.float32).min)


@dataclasses.dataclass(frozen=True)
class Window:
    """A window over one to three axes; one number for each.

    Attributes:
        size: Taps.
        strides: Steps.
        dilations: Distances between neighboring taps.
        pads: Elements put on before and after; None: as "same" of Keras does.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads | None

    @property
    def spans(self) -> tuple[int, ...]:
        """Elements from the first tap to the last, both counted."""
        pairs = zip(self.size, self.dilations, strict=True)
        return tuple(d * (k - 1) + 1 for k, d in pairs)

    @property
    def padding(self) -> str:
        """The border in the words of Keras, once explicit elements are put on."""
        return "same" if self.pads is None else "valid"


def read_window(
    call: Call, sizes: Sequence[int | None], kernel: Sequence[int] | None = None
) -> Window:
    """Reads the window of a node.

    Args:
        call: The node.
        sizes: Height and width of what goes in, or whatever axes there are.
        kernel: Size of the window, if weights tell.

    Raises:
        UnsupportedError: a number is out of range, or they do not agree.
    """
    rank = len(sizes)
    if not 1 <= rank <= 3:
        raise UnsupportedError(f"a window over {rank} axes")
    given = call.attributes["kernel_shape"]
    if kernel is not None and given is not None and list(given) != list(kernel):
        raise UnsupportedError(
            f"kernel_shape is {list(given)}, but its weights have {list(kernel)}"
        )
    given = kernel if given is None else given
    if given is None:
        raise UnsupportedError("it has no kernel_shape")
    size = numbers("kernel_shape", given, rank, 1)
    strides = numbers("strides", call.attributes["strides"], rank, 1)
    dilations = numbers("dilations", call.attributes["dilations"], rank, 1)
    pads = _pads(call, sizes, size, strides, dilations)
    spans = [d * (k - 1) + 1 for k, d in zip(size, dilations, strict=True)]
    if pads is not None:
        for length, span, pad in zip(sizes, spans, pads, strict=True):
            if length is not None and span > length + sum(pad):
                raise UnsupportedError(
                    f"its window spans {span} elements of {length + sum(pad)}"
                )
    return Window(size, strides, dilations, pads)


def numbers(name: str, values: Any, rank: int, lowest: int) -> tuple[int, ...]:
    """Checks a setting with several numbers.

    Args:
        name: Its name.
        values: The numbers; None: the lowest for each.
        rank: How many there must be.
        lowest: The lowest that is allowed.

    Raises:
        UnsupportedError: there are more or fewer, or one is out of range.
    """
    values = (lowest,) * rank if values is None else values
    if len(values) != rank:
        raise UnsupportedError(f"{name} must have {rank} numbers; got {values}")
    if not all(lowest <= value <= limits.MAX_KERNEL for value in values):
        raise UnsupportedError(
            f"{name} must be {lowest} to {limits.MAX_KERNEL}; got {list(values)}"
        )
    return tuple(int(value) for value in values)


def _pads(
    call: Call,
    sizes: Sequence[int | None],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Pads | None:
    """Returns what is put on at each end; None if it is what Keras calls "same"."""
    rank, mode = len(sizes), call.attributes["auto_pad"]
    axes = list(zip(sizes, kernel, strides, dilations, strict=True))
    if mode == "VALID":
        return ((0, 0),) * rank
    if mode == "SAME_UPPER":
        return None
    totals = [_same_total(*axis) for axis in axes]
    if mode == "SAME_LOWER":
        if None in totals:
            raise UnsupportedError("auto_pad SAME_LOWER with a size that is not known")
        return tuple((t - t // 2, t // 2) for t in totals if t is not None)
    flat = numbers("pads", call.attributes["pads"], 2 * rank, 0)
    pads = tuple(zip(flat[:rank], flat[rank:], strict=True))
    same = tuple(None if t is None else (t // 2, t - t // 2) for t in totals)
    return None if np.any(pads) and pads == same else pads


def _same_total(
    size: int | None, kernel: int, stride: int, dilation: int
) -> int | None:
    """Returns how much "same" of Keras puts on an axis; None if it is not known."""
    span = dilation * (kernel - 1) + 1
    if size is None:
        return span - 1 if stride == 1 else None
    return max((math.ceil(size / stride) - 1) * stride + span - size, 0)


def same_pads(window: Window, sizes: Sequence[int | None]) -> Pads:
    """Returns what "same" of Keras puts on.

    Raises:
        UnsupportedError: a size is not known.
    """
    pads = []
    for axis in zip(sizes, window.size, window.strides, window.dilations, strict=True):
        total = _same_total(*axis)
        if total is None:
            raise UnsupportedError("a border that depends on a size that is not known")
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def put_on(call: Call, data: keras.KerasTensor, pads: Pads | None) -> Any:
    """Puts zeros on at the border of an image.

    Args:
        call: The node.
        data: (batch, ..., channels).
        pads: Elements before and after, for each axis between; None: nothing.
    """
    import keras

    if pads is None or not np.any(pads):
        return data
    kinds = {
        1: keras.layers.ZeroPadding1D,
        2: keras.layers.ZeroPadding2D,
        3: keras.layers.ZeroPadding3D,
    }
    padding = pads[0] if len(pads) == 1 else pads
    return call.layer(kinds[len(pads)], data, suffix="pad", padding=padding)


def put_on_value(data: keras.KerasTensor, pads: Pads | None, value: float) -> Any:
    """Puts a number on at the border of an image, as `put_on` does zeros."""
    import keras

    if pads is None or not np.any(pads):
        return data
    whole = ((0, 0), *pads, (0, 0))
    return keras.ops.pad(data, whole, constant_values=value)


def dilations() -> dict[str, Attribute]:
    """The attribute of windows whose taps may lie apart."""
    return {"dilations": integers()}


def group() -> dict[str, Attribute]:
    """The attribute of convolutions whose channels are in groups."""
    return {"group": integer(1)}
