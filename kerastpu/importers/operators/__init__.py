"""The operators that can be imported: one family per file, and one dict."""

from collections.abc import Mapping

from kerastpu.importers.operators import (
    activations,
    affine,
    arithmetic,
    combining,
    constants,
    convolution,
    dense,
    normalization,
    padding,
    pooling,
    recurrent,
    reductions,
    resizing,
    selecting,
    shapes,
    transposed,
)
from kerastpu.importers.operators.operator import Operator

OPERATORS: Mapping[str, Operator] = (
    activations.OPERATORS
    | affine.OPERATORS
    | arithmetic.OPERATORS
    | combining.OPERATORS
    | constants.OPERATORS
    | convolution.OPERATORS
    | dense.OPERATORS
    | normalization.OPERATORS
    | padding.OPERATORS
    | pooling.OPERATORS
    | recurrent.OPERATORS
    | reductions.OPERATORS
    | resizing.OPERATORS
    | selecting.OPERATORS
    | shapes.OPERATORS
    | transposed.OPERATORS
)

__all__ = ["OPERATORS", "Operator"]
