"""Which weights of a network are stored in float16.

Rounding to 11 bits hurts most where a layer has few weights: biases, BatchNorm,
depthwise and first convolutions, which are next to nothing of a file. With 4 % of
EfficientNet-Lite0 in float32 the largest error of a probability is a quarter of what it
is with none (docs/export.md).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)

KEPT = 0.04  # share of the weights that stay in float32, 0..1


def chosen(weights: Mapping[Name, np.ndarray]) -> set[Name]:
    """Returns which arrays are to be stored in float16.

    All but the smallest, which together hold up to `KEPT` of the weights, and those
    with a number beyond float16's range.

    Args:
        weights: float32.
    """
    left = KEPT * sum(array.size for array in weights.values())
    rounded = set()
    for name, array in sorted(weights.items(), key=lambda item: item[1].size):
        left -= array.size
        if left < 0 and np.abs(array).max(initial=0) <= np.finfo(np.float16).max:
            rounded.add(name)
    return rounded
