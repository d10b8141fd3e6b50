"""Sizes of axes, each for two sizes of the batch.

A graph computes shapes from shapes: "the batch, then all the rest" is Shape, Gather,
Concat. With two primes for a size that is not known, plain arithmetic shows afterwards
whether a number depends on it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.values import BATCH, Tensor

if TYPE_CHECKING:
    import keras

_PRIMES = (
    (101, 103),
    *((107, 109), (113, 127), (131, 137), (139, 149), (151, 157), (163, 167)),
    *((173, 179), (181, 191), (193, 197), (199, 211), (223, 227), (229, 233)),
)


class Sizes:
    """Gives two sizes to each axis of a value.

    Args:
        batch: Size of the batch that the graph is fixed to; None: any will do.
    """

    def __init__(self, batch: int | None) -> None:
        self.batch = _PRIMES[0] if batch is None else (batch, batch)
        self._given: dict[tuple[int, int], tuple[int, int]] = {}
        self._kept: list[keras.KerasTensor] = []  # so that no id is given again

    def stored(self, data: keras.KerasTensor, axis: int) -> tuple[int, int]:
        """Returns the two sizes of an axis of Keras.

        Raises:
            UnsupportedError: too many sizes are not known.
        """
        if axis == BATCH:
            return self.batch
        size = data.shape[axis]
        if size is not None:
            return size, size
        key = id(data), axis
        if key not in self._given:
            if len(self._given) + 1 == len(_PRIMES):
                raise UnsupportedError("too many sizes are not known")
            self._given[key] = _PRIMES[len(self._given) + 1]
            self._kept.append(data)
        return self._given[key]

    def shape(self, tensor: Tensor) -> tuple[list[int], list[int]]:
        """Returns the shape in ONNX, for both sizes of the batch."""
        pairs = [
            [self.stored(tensor.data, axis) for axis in group] for group in tensor.axes
        ]
        first, second = (
            [math.prod(pair[which] for pair in group) for group in pairs]
            for which in (0, 1)
        )
        return first, second

    def factors(self, tensor: Tensor, which: int) -> list[tuple[int, int]]:
        """Returns the axes of Keras and their sizes, in the order of ONNX."""
        return [
            (axis, self.stored(tensor.data, axis)[which])
            for group in tensor.axes
            for axis in group
        ]
