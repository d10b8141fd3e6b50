"""What stands for the values of an ONNX graph while its Keras model is made.

ONNX counts the axes of images as (batch, channels, height, width), Keras as (batch,
height, width, channels). Nothing is transposed for that: a `Tensor` notes of which
axes of Keras each axis of ONNX consists, and operators look their axes up. So ONNX's
Transpose, Squeeze, Unsqueeze, Flatten and most of its Reshape only change that note.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.importers.graph import UnsupportedError

if TYPE_CHECKING:
    import keras

Axes = tuple[tuple[int, ...], ...]
BATCH = 0  # the axis of Keras that counts the examples


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A value that depends on what goes in.

    Attributes:
        data: The value in Keras, (batch, ...).
        axes: For each axis of ONNX the axes of `data` that it consists of, the slowest
            first. None: a size of one that `data` leaves out. Several: ONNX has them
            flattened to one. Each axis of `data` occurs once.
        is_input: Whether it is what goes in, unchanged but for its type and axes.
        is_integer: Whether ONNX has it in integers, whose arithmetic differs.
    """

    data: keras.KerasTensor
    axes: Axes
    is_input: bool = False
    is_integer: bool = False

    @property
    def rank(self) -> int:
        """Number of axes in ONNX."""
        return len(self.axes)

    @property
    def batch_axis(self) -> int:
        """Axis of ONNX that counts the examples, alone or with others."""
        return next(i for i, group in enumerate(self.axes) if BATCH in group)

    def size(self, axis: int) -> int | None:
        """Returns the size of an axis of ONNX; None if it is not known."""
        sizes = [self.data.shape[i] for i in self.axes[axis]]
        return None if None in sizes else math.prod(sizes)

    def with_data(self, data: keras.KerasTensor) -> Tensor:
        """Returns a value computed from this one, element by element."""
        return Tensor(data, self.axes)

    def with_axes(self, axes: Axes) -> Tensor:
        """Returns the same value, its axes told in another way."""
        return dataclasses.replace(self, axes=axes)

    def stored_axis(self, axis: int) -> int:
        """Returns the one axis of `data` that is an axis of ONNX.

        Raises:
            UnsupportedError: it consists of several, or of none.
        """
        group = self.axes[axis]
        if len(group) != 1:
            raise UnsupportedError(f"axis {axis} is no axis of its own")
        return group[0]


@dataclasses.dataclass(frozen=True)
class Known:
    """A value that does not depend on what goes in, but perhaps on the batch's size.

    Shapes are computed for two sizes of the batch: what differs between them depends
    on it, and how.

    Attributes:
        first: The value for the first size.
        second: The value for the second size.
    """

    first: np.ndarray
    second: np.ndarray

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same for all sizes of the batch."""
        return self.first is self.second or np.array_equal(self.first, self.second)


@dataclasses.dataclass(frozen=True)
class Pending:
    """A layer not made yet: a factor or a summand that follows may belong to it.

    Attributes:
        make: From factor and summand, arrays as ONNX has them, to the value.
        rank: Number of axes in ONNX.
        takes_scale: Whether a factor can belong to it.
        channel_axis: The only axis of ONNX along which they may vary; None: any.
        scale: Factor so far.
        offset: Summand so far.
    """

    make: Callable[[np.ndarray, np.ndarray], Tensor]
    rank: int
    takes_scale: bool
    channel_axis: int | None
    scale: np.ndarray = dataclasses.field(
        default_factory=lambda: np.ones(1, np.float32)
    )
    offset: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros(1, np.float32)
    )

    def then(self, scale: np.ndarray, offset: np.ndarray) -> Pending | None:
        """Returns this, times `scale`, plus `offset`; None if it has no place for them.

        Args:
            scale: Factor, an array that broadcasts in ONNX's order of axes.
            offset: Summand after that, likewise.
        """
        if not self.takes_scale and np.any(scale != 1):
            return None
        for array in (scale, offset):
            if array.ndim > self.rank:
                return None
            shape = (1,) * (self.rank - array.ndim) + array.shape
            varying = [axis for axis, size in enumerate(shape) if size != 1]
            if self.channel_axis is not None and varying not in (
                [],
                [self.channel_axis],
            ):
                return None
        return dataclasses.replace(
            self, scale=self.scale * scale, offset=self.offset * scale + offset
        )

    def value(self) -> Tensor:
        """Makes the layer."""
        return self.make(self.scale, self.offset)


Value = Tensor | Known | Pending


def channels_last(rank: int) -> tuple[int, ...]:
    """Returns the axes of ONNX in the order of Keras: (0, 2, 3, 1) for images."""
    return (0, *range(2, rank), 1)


def order_of(tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """Returns the axes of ONNX in the order in which the first tensor has them.

    Axes of size one that it leaves out come before the last: where channels are last,
    they belong to height and width.

    Args:
        tensors: Of the same rank; axes that all of them leave out are not counted.
    """
    lead = tensors[0]
    places = [(group[0], axis) for axis, group in enumerate(lead.axes) if group]
    present = [axis for _, axis in sorted(places)]
    absent = [
        axis
        for axis, group in enumerate(lead.axes)
        if not group and any(tensor.axes[axis] for tensor in tensors)
    ]
    if len(present) < 2:
        return (*present, *absent)
    return (*present[:-1], *absent, present[-1])
