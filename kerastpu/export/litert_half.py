"""Stores the weights of LiteRT files in float16, see `half`."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from kerastpu.export import half
from kerastpu.export.litert_graph import HEAVY, Graph


def to_float16(exact: bytes) -> bytes:
    """Returns a file that stores weights in float16 and computes in float32.

    Kernel and biases of a layer are stored alike: XNNPACK, LiteRT's fast kernels for
    CPUs, leaves a layer that mixes them to slow ones.

    Args:
        exact: The file in float32.
    """
    graph = Graph(exact)
    layers = defaultdict(list)  # by the number of their kernel, which they may share
    weights: dict[int, dict[int, np.ndarray]] = defaultdict(dict)
    for layer in graph.operators(HEAVY):
        own = _weights(graph, layer)
        kernel = layer.inputs[1]
        if kernel in own:
            layers[kernel].append((layer, own))
            weights[kernel] |= own
    for kernel in half.chosen({name: own.values() for name, own in weights.items()}):
        for layer, own in layers[kernel]:
            graph.store_as_float16(layer, own)
    return graph.to_bytes()


def _weights(graph: Graph, layer: Any) -> dict[int, np.ndarray]:
    """Returns the float32 constants that a layer takes, by their numbers."""
    arrays = {
        number: graph.constant(layer, position)
        for position, number in enumerate(layer.inputs)
    }
    return {
        number: array
        for number, array in arrays.items()
        if array is not None and array.dtype == np.float32
    }
