"""Computes nodes that depend on constants alone, for both sizes of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerastpu.importers.constant_functions import FUNCTIONS, Settings
from kerastpu.importers.graph import Node, UnsupportedError
from kerastpu.importers.limits import Budget
from kerastpu.importers.values import Known, Value


def can_fold(op: str) -> bool:
    """Returns whether an operator can be computed here."""
    return op in FUNCTIONS


def fold(
    node: Node,
    values: Sequence[Value | None],
    settings: Settings,
    opset: int,
    budget: Budget,
) -> tuple[Known, ...]:
    """Computes a node for both sizes of the batch.

    Args:
        node: The node.
        values: Its inputs: all are `Known` or left out.
        settings: Its attributes, with defaults.
        opset: Version of the operators.
        budget: What may still be computed.

    Raises:
        UnsupportedError: it cannot be computed, or its inputs do not fit.
        KerastpuError: it would be too large.
    """
    known = [value if isinstance(value, Known) else None for value in values]
    first = _compute(node, [v and v.first for v in known], settings, budget)
    if all(value is None or value.first is value.second for value in known):
        return tuple(Known(array, array) for array in first)
    second = _compute(node, [v and v.second for v in known], settings, budget)
    return tuple(Known(a, b) for a, b in zip(first, second, strict=True))


def _compute(
    node: Node, arrays: Sequence[Any], settings: Settings, budget: Budget
) -> tuple[np.ndarray, ...]:
    try:
        with np.errstate(all="ignore"):
            made = FUNCTIONS[node.op](list(arrays), settings, budget)
    except (
        ArithmeticError,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise UnsupportedError(f"its constants do not fit: {error}") from None
    return tuple(map(np.asarray, made if isinstance(made, (list, tuple)) else (made,)))
