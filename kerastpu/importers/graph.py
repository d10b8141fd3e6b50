"""An ONNX graph as plain Python: what was read and checked, nothing of protobuf."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


class UnsupportedError(Exception):
    """An operator, or a way to use one, that cannot be imported; holds the reason."""


@dataclasses.dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        op: Name of the operator, "Conv".
        domain: "" for the operators of ONNX itself.
        name: Its own name, or that of its first output.
        inputs: Names of values; "" where an optional one is left out.
        outputs: Likewise.
        attributes: Name -> int, float, str, array, tuple of these, or `SUBGRAPH`.
    """

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


SUBGRAPH = object()


@dataclasses.dataclass(frozen=True)
class GraphInput:
    """What the graph is given.

    Attributes:
        name: Its name.
        dtype: Name of the NumPy type, "float32".
        shape: Sizes; None where any will do.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Graph:
    """A whole network.

    Attributes:
        name: Name of the graph.
        nodes: Operations, each after those that it needs.
        constants: Name -> array.
        inputs: What it is given, without constants.
        outputs: Names of the values that come out.
        opset: Version of the operators.
        producer: Program that wrote it, with its version; "" if it does not tell.
    """

    name: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    inputs: tuple[GraphInput, ...]
    outputs: tuple[str, ...]
    opset: int
    producer: str

    def consumers(self) -> dict[str, list[Node]]:
        """Returns for each value the nodes that take it, once for each time."""
        found: dict[str, list[Node]] = collections.defaultdict(list)
        for node in self.nodes:
            for name in node.inputs:
                found[name].append(node)
        return dict(found)
