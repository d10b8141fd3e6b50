"""The graph of a functional model: who feeds whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras


def walk(
    model: keras.Model,
) -> Iterator[tuple[keras.Operation, list[keras.Operation]]]:
    """Yields each call of a layer or operation, inputs before what takes them.

    Keras names no public way to read the graph. A layer that is shared comes once for
    each of its calls in this model; its calls in other models do not count.

    Args:
        model: Functional or sequential, built.

    Yields:
        The operation (a layer, or a function of `keras.ops`), and the operations whose
        outputs it takes, one for each tensor.
    """
    for node in _nodes(model):
        sources = [] if node.is_input else node.input_tensors
        yield node.operation, [x._keras_history.operation for x in sources]


def output_tensors(model: keras.Model) -> dict[str, list[keras.KerasTensor]]:
    """Returns the outputs of each layer and operation of the model, by its name.

    Args:
        model: Functional or sequential, built.

    Returns:
        In the order of `walk`; those of all calls in this model.
    """
    tensors: dict[str, list[keras.KerasTensor]] = {}
    for node in _nodes(model):
        tensors.setdefault(node.operation.name, []).extend(node.output_tensors)
    return tensors


def _nodes(model: keras.Model) -> Iterator[Any]:
    """Yields the calls in the model, inputs before what takes them."""
    function = model._functional if isinstance(model, keras.Sequential) else model
    for depth in sorted(function._nodes_by_depth, reverse=True):
        yield from function._nodes_by_depth[depth]
