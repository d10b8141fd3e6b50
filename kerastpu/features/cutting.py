"""Where a network can be cut in two, and the two parts."""

from __future__ import annotations

import math

import keras

from kerastpu.errors import UsageError
from kerastpu.models import graph
from kerastpu.models.stages import HEAD_STAGE, find_stages

_LISTED = 8  # layers that an error names


def cut(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Cuts a network after one of its layers.

    Both parts share their layers with `model`: who trains the back trains the model.

    Args:
        model: Functional or sequential, one input, one output; not changed.
        layer: Name of a layer through whose output, one tensor, all of the output
            comes; a layer inside another model does not count.

    Returns:
        The front, inputs -> output of the layer, and the back, from there on.

    Raises:
        UsageError: no such layer, or it does not cut the network in two; names some
            that do.
    """
    found = places(model)
    if layer not in found:
        names = list(found)
        step = math.ceil(len(names) / _LISTED) or 1
        some = names[::-1][::step][::-1]
        is_there = layer in graph.output_tensors(model)
        reason = "does not cut it in two" if is_there else "is none of its layers"
        raise UsageError(
            f"{model.name} cannot be cut at {layer!r}, which {reason}; "
            f"places to cut it are {', '.join(some) or '(none)'}"
        )
    tensor = found[layer]
    front = keras.Model(model.inputs[0], tensor, name=f"{model.name}_front")
    return front, keras.Model(tensor, model.outputs[0], name=f"{model.name}_back")


def places(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """Returns the outputs at which `model` can be cut, by layer, from the input on."""
    sources = _sources(model)
    ends = [tensor._keras_history.operation.name for tensor in model.outputs]
    layers = {layer.name for layer in model.layers}
    found = {}
    for name, tensors in graph.output_tensors(model).items():
        is_inside = name in layers and sources[name] and name not in ends
        if is_inside and len(tensors) == 1:
            above = _ancestors(ends, sources, without=name)
            if all(sources[other] for other in above):  # no input is among them
                found[name] = tensors[0]
    return found


def place_before_stages(model: keras.Model, num_stages: int) -> str:
    """Returns where to cut a network so that its last stages are in the back.

    Stages often begin with wide maps that one convolution makes of narrow ones. Where
    such a map would have to be kept, the narrow one is: the back then computes one
    convolution of the stage before.

    Args:
        model: A network with a head, see `stages.find_stages`.
        num_stages: Stages in the back, beside the head, at least 1.

    Raises:
        UsageError: no place lies before them.
    """
    stages = [stage for stage in find_stages(model) if stage.name != HEAD_STAGE]
    behind = {name for stage in stages[-num_stages:] for name in stage.layers}
    sources = _sources(model)
    tensors = places(model)
    before = {name: _ancestors([name], sources) for name in tensors}
    allowed = [name for name in before if behind.isdisjoint(before[name])]
    if not allowed:
        raise UsageError(
            f"{model.name} cannot be cut before its last {num_stages} stages; "
            "train it end_to_end"
        )
    boundary = allowed[-1]
    near = [
        name
        for name in allowed
        if _num_kernels(model, before[boundary] - before[name]) <= 1
    ]
    sizes = {name: math.prod(tensors[name].shape[1:]) for name in near}
    return min(reversed(near), key=sizes.__getitem__)


def _sources(model: keras.Model) -> dict[str, set[str]]:
    """Returns what each operation takes, by name, over all of its calls."""
    sources: dict[str, set[str]] = {}
    for operation, taken in graph.walk(model):
        names = sources.setdefault(operation.name, set())
        names.update(source.name for source in taken)
    return sources


def _ancestors(
    names: list[str], sources: dict[str, set[str]], without: str | None = None
) -> set[str]:
    """Returns the operations that these need, and these, but nothing by `without`."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name != without:
            found.add(name)
            waiting += sources[name]
    return found


def _num_kernels(model: keras.Model, names: set[str]) -> int:
    """Returns how many of these layers hold a kernel; BatchNorm has none."""
    return sum(
        bool(layer.weights) and not isinstance(layer, keras.layers.BatchNormalization)
        for layer in model.layers
        if layer.name in names
    )
