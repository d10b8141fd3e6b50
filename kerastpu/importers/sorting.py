"""The order in which nodes can be computed."""

from __future__ import annotations

import collections
import heapq
from pathlib import Path

from kerastpu.errors import KerastpuError
from kerastpu.importers.graph import Node


def sort(nodes: list[Node], known: set[str], path: Path) -> list[Node]:
    """Puts each node after those that it needs, else in the order of the file.

    Args:
        nodes: All nodes.
        known: Names of inputs and constants.
        path: The file, for messages.

    Raises:
        KerastpuError: a value is made twice or not at all, or nodes need each other.
    """
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in makers or name in known:
                raise KerastpuError(f"{path}: {name!r} is made twice")
            makers[name] = index
    waiting: dict[int, int] = {}
    followers: dict[int, list[int]] = collections.defaultdict(list)
    for index, node in enumerate(nodes):
        needed = [name for name in node.inputs if name and name not in known]
        if missing := [name for name in needed if name not in makers]:
            raise KerastpuError(
                f"{path}: node {node.name!r} takes {missing[0]!r}, which nothing makes"
            )
        makers_of = {makers[name] for name in needed}
        waiting[index] = len(makers_of)
        for maker in makers_of:
            followers[maker].append(index)
    ready = [index for index, count in waiting.items() if not count]  # is a heap
    order = []
    while ready:
        order.append(heapq.heappop(ready))
        for index in followers[order[-1]]:
            waiting[index] -= 1
            if not waiting[index]:
                heapq.heappush(ready, index)
    if len(order) < len(nodes):
        name = next(node.name for i, node in enumerate(nodes) if waiting[i])
        raise KerastpuError(f"{path}: nodes need each other in a circle, as {name!r}")
    return [nodes[index] for index in order]
