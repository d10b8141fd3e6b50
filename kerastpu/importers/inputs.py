"""How the axes of what goes in lie: channels last, and the batch first."""

from __future__ import annotations

from kerastpu.importers.graph import Graph, GraphInput, Node
from kerastpu.importers.values import channels_last

_CHANNELS_FIRST = frozenset(
    {
        *("AveragePool", "BatchNormalization", "Conv", "ConvTranspose"),
        *("GlobalAveragePool", "GlobalMaxPool", "InstanceNormalization", "LRN"),
        *("MaxPool", "Resize", "Upsample"),
    }
)
_RECURRENT = frozenset({"GRU", "LSTM", "RNN"})
# Operators that move elements, so that what follows tells nothing of the input.
_MOVING = frozenset(
    {"Flatten", "Gemm", "MatMul", "Reshape", "Shape", "Squeeze", "Transpose"}
)
_MOST_CHANNELS_OF_PHOTOS = 4


def order(graph: Graph, value: GraphInput) -> tuple[int, ...]:
    """Returns the axes of an input of ONNX in the order of Keras.

    The operators that use it tell: a convolution wants (batch, channels, ...), LSTM
    (time, batch, features), and a Transpose before them leaves it as it is. Where none
    of them tells, four axes of which the second has 1, 3 or 4 elements and the last has
    more are taken for images with channels first.

    Args:
        graph: The graph.
        value: One of its inputs.
    """
    rank = len(value.shape)
    consumers = graph.consumers()
    waiting, seen = [value.name], {value.name}
    while waiting:
        name = waiting.pop(0)
        for node in consumers.get(name, ()):
            found = _wanted(node, name, rank)
            if found is not None:
                return found
            if node.op in _MOVING:
                continue
            for output in node.outputs:
                if output and output not in seen:
                    seen.add(output)
                    waiting.append(output)
    if rank == 4 and value.shape[1] in (1, 3, 4):
        last = value.shape[3]
        if last is None or last > _MOST_CHANNELS_OF_PHOTOS:
            return channels_last(rank)
    return tuple(range(rank))


def _wanted(node: Node, name: str, rank: int) -> tuple[int, ...] | None:
    """Returns the order that a node tells; None if it tells nothing."""
    index = node.inputs.index(name)
    if node.op == "Transpose":
        return tuple(range(rank))
    if node.op in _CHANNELS_FIRST and index == 0 and rank > 2:
        return channels_last(rank)
    if node.op in _RECURRENT and rank == 3 and not node.attributes.get("layout"):
        return (1, 0, 2)
    return None
