"""How large a file and what it describes may be; none is near what a real network has.

A few bytes can ask for terabytes: a shape, a constant to be filled, a padding. What is
asked for is compared with these numbers before any memory is taken.
"""

import math
from collections.abc import Iterable, Sequence

from kerastpu.errors import KerastpuError

MAX_FILE_BYTES = (1 << 31) - 1  # what the serialization of ONNX itself can hold
MAX_EXTERNAL_BYTES = 1 << 34  # all weights that lie in other files
MAX_NODES = 100_000
MAX_INPUTS_OF_NODE = 10_000
MAX_RANK = 8
MAX_DIMENSION = (1 << 31) - 1
# VGG-19, of the largest classic networks, has 1.4e8 parameters.
MAX_COMPUTED_ELEMENTS = 1 << 28  # all constants that a graph computes for itself
MAX_MAP_ELEMENTS = 1 << 28  # one image's numbers at one place of the network
MAX_KERNEL = 1 << 12  # side of a window, its step and what is put on at a border


def num_elements(shape: Iterable[int], highest: int, what: str) -> int:
    """Returns the number of elements of an array of this shape.

    Args:
        shape: Its sizes.
        highest: The most elements allowed.
        what: What to call it in the message.

    Raises:
        KerastpuError: too many axes, a size out of range, or too many elements.
    """
    sizes = [int(size) for size in shape]
    if len(sizes) > MAX_RANK:
        raise KerastpuError(f"{what} has {len(sizes)} axes; at most {MAX_RANK} can be")
    if any(not 0 <= size <= MAX_DIMENSION for size in sizes):
        raise KerastpuError(f"{what} has the shape {sizes}, which no array can have")
    count = math.prod(sizes)
    if count > highest:
        raise KerastpuError(
            f"{what} has {count:,} elements; at most {highest:,} may be"
        )
    return count


class Budget:
    """Counts the elements that a graph makes for itself."""

    def __init__(self) -> None:
        self._left = MAX_COMPUTED_ELEMENTS

    def spend(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Returns the shape, if there is room for an array of it.

        Raises:
            KerastpuError: there is not.
        """
        sizes = tuple(int(size) for size in shape)
        self._left -= num_elements(sizes, self._left, "what it computes")
        return sizes
