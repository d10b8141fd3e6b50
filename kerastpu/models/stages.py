"""The stages of a network: the layers that work at one resolution.

Stages are what is frozen and what gets a learning rate of its own, as layers of one
resolution learn features of about one level (Yosinski et al., 2014, arXiv:1411.1792).
"""

from __future__ import annotations

import dataclasses

import keras

from kerastpu.models import graph
from kerastpu.models.heads import FEATURES, HEAD

HEAD_STAGE = "head"

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


@dataclasses.dataclass(frozen=True)
class Stage:
    """Neighboring layers of one resolution.

    Attributes:
        name: "stride8", say; "head" for what follows the features.
        stride: How many pixels of the input one step of its feature maps is, 1 or more;
            for the head, that of the last stage.
        layers: Names of its layers, inputs before what takes them.
        num_parameters: Parameters of all of them, BatchNorm statistics included.
    """

    name: str
    stride: int
    layers: tuple[str, ...]
    num_parameters: int


def find_stages(model: keras.Model) -> tuple[Stage, ...]:
    """Cuts a model into stages, from the input to the output.

    The stride is the product of the strides on the way from the input, not a quotient
    of sizes: without padding, sizes shrink also where nothing strides. No layer needs
    the output of a layer in a later stage. A resolution without weights joins the
    next; what a decoder makes larger again counts to the stage that it starts from.

    Args:
        model: Functional or sequential; a model inside it counts as one layer.

    Returns:
        The stages that hold weights, then the head, where there is one: all that
        follows a layer called "features"; without that, the last layer with weights and
        what follows it, if it is Dense or a layer called "probabilities" is there.
    """
    head = _find_head(model)
    by_stride: dict[int, list[keras.layers.Layer]] = {}
    for operation, stride in _strides(model).items():
        if isinstance(operation, keras.layers.Layer) and operation not in head:
            by_stride.setdefault(stride, []).append(operation)
    found = _join_weightless(by_stride)
    stages = [_stage(f"stride{stride}", stride, found[stride]) for stride in found]
    if head:
        last = stages[-1].stride if stages else 1
        stages.append(_stage(HEAD_STAGE, last, list(head)))
    return tuple(stages)


def _strides(model: keras.Model) -> dict[keras.Operation, int]:
    """Returns the stride of each operation's output, inputs before outputs."""
    strides: dict[keras.Operation, int] = {}
    for operation, sources in graph.walk(model):
        reached = max((strides[source] for source in sources), default=1)
        stride = reached * _own_stride(operation)
        strides[operation] = max(stride, strides.get(operation, 1))
    return strides


def _own_stride(operation: keras.Operation) -> int:
    """Returns by what the operation divides height and width."""
    if isinstance(operation, keras.Model):
        return max(_strides(operation).values())
    if isinstance(operation, _TRANSPOSED):
        return 1
    strides = getattr(operation, "strides", None) or 1
    return strides if isinstance(strides, int) else max(strides)


def _find_head(model: keras.Model) -> dict[keras.layers.Layer, None]:
    """Returns the layers after the features, in order."""
    calls = list(graph.walk(model))
    layers = {
        operation.name: operation
        for operation, _ in calls
        if isinstance(operation, keras.layers.Layer)
    }
    features = layers.get(FEATURES)
    reached = dict.fromkeys([features] if features else _find_classifier(layers))
    for operation, sources in calls:
        if any(source in reached for source in sources):
            reached[operation] = None
    return {
        layer: None
        for layer in reached
        if isinstance(layer, keras.layers.Layer) and layer is not features
    }


def _find_classifier(layers: dict[str, keras.layers.Layer]) -> list[keras.layers.Layer]:
    """Returns the last layer with weights, if it makes the probabilities."""
    last = [layer for layer in layers.values() if layer.weights][-1:]
    return [
        layer
        for layer in last
        if HEAD in layers or isinstance(layer, keras.layers.Dense)
    ]


def _join_weightless(
    by_stride: dict[int, list[keras.layers.Layer]],
) -> dict[int, list[keras.layers.Layer]]:
    """Returns the groups that hold weights; others join the next, the last the last."""
    joined: dict[int, list[keras.layers.Layer]] = {}
    waiting: list[keras.layers.Layer] = []
    for stride in sorted(by_stride):
        waiting = waiting + by_stride[stride]
        if any(layer.weights for layer in waiting):
            joined[stride], waiting = waiting, []
    if waiting and joined:
        joined[max(joined)] += waiting
    return joined


def _stage(name: str, stride: int, layers: list[keras.layers.Layer]) -> Stage:
    names = tuple(layer.name for layer in layers)
    return Stage(name, stride, names, sum(layer.count_params() for layer in layers))
