"""Rows of several arrays as those of one."""

from collections.abc import Sequence

import numpy as np

from kerastpu import doctor

_SHARE_OF_MEMORY = 0.25  # more than that stays on the disk


class StackedRows:
    """Arrays one below the other, without a copy.

    Args:
        arrays: (N_i, ...), alike but for N_i; files that are mapped, say.
    """

    def __init__(self, arrays: Sequence[np.ndarray]):
        self._arrays = arrays
        self._starts = np.cumsum([0, *map(len, arrays)])
        self.shape = (int(self._starts[-1]), *arrays[0].shape[1:])
        self.dtype = arrays[0].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the rows of these numbers, int (B,), each 0..N-1."""
        rows = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        owners = np.searchsorted(self._starts, numbers, side="right") - 1
        for index, array in enumerate(self._arrays):
            chosen = owners == index
            rows[chosen] = array[numbers[chosen] - self._starts[index]]
        return rows


def stack(arrays: Sequence[np.ndarray]) -> np.ndarray | StackedRows:
    """Returns arrays (N_i, ...) as one (N, ...), to be indexed by arrays of numbers.

    It is in memory, unless that would take more than a quarter of the machine's.
    """
    memory = doctor.memory_bytes()
    num_bytes = sum(array.nbytes for array in arrays)
    if memory is not None and num_bytes > _SHARE_OF_MEMORY * memory:
        return StackedRows(arrays)
    return np.concatenate(arrays)
