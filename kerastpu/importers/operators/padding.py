"""Pad: zeros or others at the borders, mirrored borders, and cropping."""

from __future__ import annotations

from typing import Any

import keras

from kerastpu.importers import limits, windows
from kerastpu.importers.attributes import integers, real, text
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Tensor

_MOST_EDGE = 64  # elements that a border is repeated, each by an operation of its own


def _convert(call: Call) -> Tensor:
    tensor, pads = call.tensor(), call.integers(1, "pads")
    axes = call.integers(3)
    axes = list(range(tensor.rank)) if axes is None else axes
    if pads is None or len(pads) != 2 * len(axes):
        raise UnsupportedError(f"it has pads {pads} for {len(axes)} axes")
    if any(abs(pad) > limits.MAX_KERNEL for pad in pads):
        raise UnsupportedError(f"pads must be up to {limits.MAX_KERNEL}; got {pads}")
    if any(not -tensor.rank <= axis < tensor.rank for axis in axes):
        raise UnsupportedError(f"there are not all of axes {axes}")
    wanted: dict[int, tuple[int, int]] = {}
    for axis, begin, end in zip(
        axes, pads[: len(axes)], pads[len(axes) :], strict=True
    ):
        if begin or end:
            wanted[axis % tensor.rank] = (begin, end)
    if not wanted:
        return tensor
    tensor = call.settle(tensor, list(wanted))
    whole = [(0, 0)] * len(tensor.data.shape)
    for axis, pad in wanted.items():
        whole[tensor.stored_axis(axis)] = pad
    if whole[0] != (0, 0):
        raise UnsupportedError("it adds examples to a batch")
    data = _cropped(tensor.data, whole)
    grown = [(max(begin, 0), max(end, 0)) for begin, end in whole]
    value = call.constant(2)
    number = call.attributes["value"] if value is None else float(value.reshape(-1)[0])
    return tensor.with_data(_padded(call, data, grown, number))


def _cropped(data: Any, whole: list[tuple[int, int]]) -> Any:
    """Cuts off where a number is negative."""
    if min(min(pad) for pad in whole) >= 0:
        return data
    return data[
        tuple(
            slice(max(-begin, 0) or None, min(end, 0) or None) for begin, end in whole
        )
    ]


def _padded(call: Call, data: Any, whole: list[tuple[int, int]], number: float) -> Any:
    """Puts on what is to be put on."""
    mode = call.attributes["mode"]
    if mode == "constant":
        is_image = len(whole) in (3, 4, 5) and whole[-1] == (0, 0)
        if number == 0 and is_image:
            return windows.put_on(call, data, tuple(whole[1:-1]))
        return keras.ops.pad(data, whole, constant_values=number)
    if mode == "reflect":
        return keras.ops.pad(data, whole, mode="reflect")
    # A border of one element, mirrored, is that border repeated.
    most = max(max(pad) for pad in whole)
    if most > _MOST_EDGE:
        raise UnsupportedError(f"mode edge over {most} elements")
    for done in range(most):
        once = [(int(begin > done), int(end > done)) for begin, end in whole]
        data = keras.ops.pad(data, once, mode="symmetric")
    return data


OPERATORS = {
    "Pad": Operator(
        _convert,
        {
            "mode": text("constant", "constant", "reflect", "edge"),
            "pads": integers(),
            "value": real(0.0),
        },
        4,
    )
}
