"""The graph of a functional model: who feeds whom."""

from __future__ import annotations

from collections.abc import Iterator

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
    function = model._functional if isinstance(model, keras.Sequential) else model
    for depth in sorted(function._nodes_by_depth, reverse=True):
        for node in function._nodes_by_depth[depth]:
            sources = [] if node.is_input else node.input_tensors
            yield node.operation, [x._keras_history.operation for x in sources]
