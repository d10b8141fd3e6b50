"""Brings a value into the order of axes that a layer needs, and reads Reshape.

Layers are added only where the note of axes alone will not do.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.values import BATCH, Tensor

if TYPE_CHECKING:
    import keras

Name = Callable[[str], str]  # from "permute" to a name for such a layer
MIXED = "it mixes the examples of a batch"


def arrange(tensor: Tensor, order: Sequence[int], name: Name) -> keras.KerasTensor:
    """Returns the value with its axes in a given order, each an axis of its own.

    Args:
        tensor: The value.
        order: Axes of ONNX, the batch first; those left out must be of size one.
        name: Names the layers that are needed.

    Returns:
        (batch, ...): one axis for each of `order`.

    Raises:
        UnsupportedError: the examples of a batch lie across other axes.
    """
    import keras

    data, shape = tensor.data, tensor.data.shape
    groups = [tensor.axes[axis] for axis in order]
    left = [
        axis for i, group in enumerate(tensor.axes) if i not in order for axis in group
    ]
    if any(shape[axis] != 1 for axis in left):
        raise UnsupportedError("an axis is left out that is not of size one")
    if not groups or groups[0][:1] != (BATCH,):
        raise UnsupportedError(MIXED)
    sizes = [_size(shape, [axis for axis in group if axis]) for group in groups]
    if sizes[0] != 1:
        raise UnsupportedError(MIXED)
    wanted = [axis for group in groups for axis in group] + left
    moved = [axis for axis in wanted if axis == BATCH or shape[axis] != 1]
    if moved != sorted(moved):
        data = keras.layers.Permute(tuple(wanted[1:]), name=name("permute"))(data)
    target = sizes[1:]
    if list(data.shape[1:]) != target:
        target = [-1 if size is None else size for size in target]
        if target.count(-1) > 1:
            raise UnsupportedError("more than one size is not known")
        data = keras.layers.Reshape(tuple(target), name=name("reshape"))(data)
    return data


def _size(shape: Sequence[int | None], axes: Sequence[int]) -> int | None:
    sizes = [shape[axis] for axis in axes]
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def stored_array(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Returns a constant in the order of axes of a value's `data`.

    Args:
        array: Broadcasts to the value in ONNX's order of axes.
        tensor: The value.

    Returns:
        One axis for each of `data`; the first has size one.

    Raises:
        UnsupportedError: it differs between the examples of a batch, or does not fit.
    """
    array = array.reshape((1,) * (tensor.rank - array.ndim) + array.shape)
    sizes: list[int] = []
    for axis, group in enumerate(tensor.axes):
        parts = [1 if i == BATCH else tensor.data.shape[i] for i in group]
        if array.shape[axis] == 1:
            sizes += [1] * len(group)
        elif None in parts or math.prod(parts) != array.shape[axis]:
            raise UnsupportedError(
                f"a constant of shape {list(array.shape)} does not fit, or differs "
                "between the examples of a batch"
            )
        else:
            sizes += parts
    wanted = [axis for group in tensor.axes for axis in group]
    return array.reshape(sizes).transpose(np.argsort(wanted))


def regroup(
    axes: Sequence[tuple[int, int]], targets: Sequence[int]
) -> list[list[tuple[int, int]]]:
    """Finds of which axes the axes of a reshaped value consist.

    Args:
        axes: Axes of `data` and their sizes, in ONNX's order; the batch among them.
        targets: Sizes of the new axes of ONNX, of the same product.

    Returns:
        For each target the axes, or parts of axes, that it consists of, with their
        sizes. Axes of size one for which there is no place go to the last.

    Raises:
        UnsupportedError: an axis lies across the border of two targets.
    """
    waiting = collections.deque(
        (axis, size) for axis, size in axes if size != 1 or axis == BATCH
    )
    ones = collections.deque(axis for axis, size in axes if size == 1 and axis != BATCH)
    groups = []
    for target in targets:
        group: list[tuple[int, int]] = []
        if target == 1:
            if waiting and waiting[0] == (BATCH, 1):
                group.append(waiting.popleft())
            elif ones:
                group.append((ones.popleft(), 1))
        while target > 1:
            if not waiting:
                raise UnsupportedError("the numbers of elements differ")
            axis, size = waiting.popleft()
            if target % size and size % target:
                raise UnsupportedError("an axis lies across two others")
            part = min(size, target)
            group.append((axis, part))
            target //= part
            if size > part:
                waiting.appendleft((axis, size // part))
        groups.append(group)
    if any(size != 1 for _, size in waiting):
        raise UnsupportedError("the numbers of elements differ")
    rest = [*waiting, *((axis, 1) for axis in ones)]  # waiting: a batch of one
    if rest and not groups:
        raise UnsupportedError(MIXED)
    return [*groups[:-1], groups[-1] + rest] if groups else []


def split(
    tensor: Tensor, groups: Sequence[Sequence[tuple[int, int]]], name: Name
) -> Tensor:
    """Returns a value whose axes are those parts that `regroup` found.

    Args:
        tensor: The value.
        groups: For each new axis of ONNX the parts of axes that it consists of.
        name: Names the layer that is needed where an axis is in parts.

    Raises:
        UnsupportedError: the batch would be cut, or two sizes are not known.
    """
    import keras

    parts: dict[int, list[int]] = collections.defaultdict(list)
    numbered = []
    for group in groups:
        numbered.append([(axis, len(parts[axis])) for axis, _ in group])
        for axis, size in group:
            parts[axis].append(size)
    if len(parts[BATCH]) != 1:
        raise UnsupportedError(MIXED)
    starts = np.cumsum([0] + [len(parts[i]) for i in range(len(tensor.data.shape))])
    axes = tuple(tuple(int(starts[a]) + k for a, k in group) for group in numbered)
    data = tensor.data
    if any(len(sizes) > 1 for sizes in parts.values()):
        target = [
            -1 if len(parts[axis]) == 1 and size is None else part
            for axis, size in enumerate(data.shape)
            if axis != BATCH
            for part in parts[axis]
        ]
        if target.count(-1) > 1:
            raise UnsupportedError("more than one size is not known")
        data = keras.layers.Reshape(tuple(target), name=name("reshape"))(data)
    return Tensor(data, axes, tensor.is_input, tensor.is_integer)
