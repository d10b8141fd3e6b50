"""Which weights of a network are stored in float16.

Rounding to 11 bits hurts most where a layer has few weights: biases, BatchNorm,
depthwise and first convolutions, which are next to nothing of a file. With a tenth of
EfficientNet-Lite0 in float32 the largest error of a probability is less than a quarter
of what it is with none (docs/export.md).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)

KEPT = 0.1  # share of the weights that stay in float32, 0..1


def chosen(weights: Mapping[Name, Collection[np.ndarray]]) -> set[Name]:
    """Returns which arrays are to be stored in float16.

    All but the smallest, which together hold up to `KEPT` of the weights, and those
    with a number beyond float16's range.

    Args:
        weights: float32; arrays of one name are stored alike.
    """
    sizes = {name: sum(a.size for a in arrays) for name, arrays in weights.items()}
    left = KEPT * sum(sizes.values())
    rounded = set()
    for name, size in sorted(sizes.items(), key=lambda item: item[1]):
        left -= size
        if left < 0 and all(map(_fits, weights[name])):
            rounded.add(name)
    return rounded


def _fits(array: np.ndarray) -> bool:
    return bool(np.abs(array).max(initial=0) <= np.finfo(np.float16).max)
