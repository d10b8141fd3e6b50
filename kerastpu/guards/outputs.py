"""Does the activation of the last layer fit the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from kerastpu.errors import UsageError
from kerastpu.guards.loss_kind import LossKind

# Layers that hand values on as they are.
_TRANSPARENT = (
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.Reshape,
)


@dataclass(frozen=True)
class Output:
    """What comes out of a model with one output."""

    shape: tuple[int | None, ...]
    """(batch, ..., units)."""
    activation: str | None
    """softmax (over the last axis), sigmoid, linear, or None where it is another one
    or not known."""
    layer: str
    """Name of the layer that applies it."""
    activated_units: int | None
    """Length of the last axis where it is applied, before any reshaping."""
    earlier_softmax: str | None
    """Name of a layer whose softmax the last softmax is applied to, if there is one."""

    @property
    def units(self) -> int:
        """Numbers for each example."""
        return self.shape[-1] or 0


class _Applied(NamedTuple):
    layer: str
    activation: str | None
    units: int | None


def is_graph(model: keras.Model) -> bool:
    """Returns whether the layers of `model` and their order can be read."""
    if isinstance(model, keras.Sequential):
        return model.built and bool(model.inputs)
    return hasattr(model, "_nodes_by_depth")


def find_output(model: keras.Model) -> Output | None:
    """Returns the one output of a model whose graph is known; None: it has several."""
    if len(model.outputs) != 1:
        return None
    activations = _last_activations(model)
    last = next(activations, _Applied("", None, None))
    earlier = None
    if last.activation == "softmax":
        softmaxes = (one.layer for one in activations if one.activation == "softmax")
        earlier = next(softmaxes, None)
    shape = tuple(model.outputs[0].shape)
    return Output(shape, last.activation, last.layer, last.units, earlier)


def _last_activations(model: keras.Model) -> Iterator[_Applied]:
    """Yields layers and their activations from the output on back.

    Ends with the first layer that does more than to apply an activation.
    """
    tensor = model.outputs[0]
    while True:
        # By call, not by layer: a shared layer may be its own source.
        operation, node_index, _ = tensor._keras_history
        if isinstance(operation, keras.Model):
            if is_graph(operation) and len(operation.outputs) == 1:
                yield from _last_activations(operation)
            return
        if not isinstance(operation, _TRANSPARENT):
            activation = _activation_of(operation, len(tensor.shape))
            is_bare = _is_bare_activation(operation)
            if not (is_bare and activation == "linear"):
                yield _Applied(operation.name, activation, tensor.shape[-1])
            if not is_bare:
                return
        inputs = operation._inbound_nodes[node_index].input_tensors
        if len(inputs) != 1:
            return
        tensor = inputs[0]


def _is_bare_activation(operation: keras.Operation) -> bool:
    """Returns whether it holds no weights: softmax and the like as a layer."""
    bare = (keras.layers.Activation, keras.layers.Softmax)
    return isinstance(operation, bare) or type(operation).__name__ == "Softmax"


def _activation_of(operation: keras.Operation, rank: int) -> str | None:
    """Returns softmax (over the last of `rank` axes), sigmoid, linear or None."""
    kind = type(operation).__name__  # of a layer, or of keras.ops
    if kind == "Softmax":
        axes = np.atleast_1d(operation.axis).tolist()
        return "softmax" if axes in ([-1], [rank - 1]) else None
    if kind == "Sigmoid":
        return "sigmoid"
    activation = getattr(operation, "activation", None)
    for name in ("softmax", "sigmoid", "linear"):
        if activation is getattr(keras.activations, name):
            return name
    return None


def check_output(output: Output, loss: LossKind) -> None:
    """Refuses an activation that the loss does not expect.

    Raises:
        UsageError: says which layer, and what to write.
    """
    layer, activation = output.layer, output.activation
    if output.earlier_softmax is not None:
        raise UsageError(
            f"layer {layer} applies softmax to the probabilities of layer "
            f"{output.earlier_softmax}; remove one of the two"
        )
    if activation == "softmax" and output.activated_units == 1:
        raise UsageError(
            f"layer {layer} applies softmax to one unit, which is always 1; use "
            'activation="sigmoid" with binary_crossentropy, or a unit for each class'
        )
    if loss.labels is None or activation is None:
        return
    if loss.from_logits and activation != "linear":
        raise UsageError(
            f"layer {layer} applies {activation}, and the loss with from_logits=True "
            "applies it again; set from_logits=False"
        )
    if not loss.from_logits and activation == "linear":
        wanted = "sigmoid" if loss.labels == "binary" else "softmax"
        raise UsageError(
            f"layer {layer} has no activation, and the loss expects probabilities; set "
            f'activation="{wanted}" or, in the loss, from_logits=True'
        )
    if loss.labels != "binary" and activation == "sigmoid":
        raise UsageError(
            f"layer {layer} applies sigmoid, and the loss expects probabilities that "
            'sum to 1; use activation="softmax", or binary_crossentropy where an '
            "example may be of several classes"
        )
