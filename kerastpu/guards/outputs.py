"""Does the activation of the last layer fit the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras

from kerastpu.errors import UsageError
from kerastpu.guards.loss_kind import LossKind
from kerastpu.models import graph

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
    """softmax, sigmoid, linear, or None where it is another one or not known."""
    layer: str
    """Name of the layer that applies it."""
    earlier_softmax: str | None
    """Name of a layer whose softmax the last softmax is applied to, if there is one."""

    @property
    def units(self) -> int:
        """Numbers for each example."""
        return self.shape[-1] or 0


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
    layer, activation = next(activations, ("", None))
    earlier = None
    if activation == "softmax":
        earlier = next((name for name, kind in activations if kind == "softmax"), None)
    return Output(tuple(model.outputs[0].shape), activation, layer, earlier)


def _last_activations(model: keras.Model) -> Iterator[tuple[str, str | None]]:
    """Yields layers and their activations from the output on back.

    Ends with the first layer that does more than to apply an activation.
    """
    sources = dict(graph.walk(model))
    operation = model.outputs[0]._keras_history.operation
    while True:
        if isinstance(operation, keras.Model):
            if is_graph(operation) and len(operation.outputs) == 1:
                yield from _last_activations(operation)
            return
        if not isinstance(operation, _TRANSPARENT):
            activation = _activation_of(operation)
            is_bare = _is_bare_activation(operation)
            if not (is_bare and activation == "linear"):
                yield operation.name, activation
            if not is_bare:
                return
        inputs = sources.get(operation, [])
        if len(inputs) != 1:
            return
        operation = inputs[0]


def _is_bare_activation(operation: keras.Operation) -> bool:
    """Returns whether it holds no weights: softmax and the like as a layer."""
    bare = (keras.layers.Activation, keras.layers.Softmax)
    return isinstance(operation, bare) or type(operation).__name__ == "Softmax"


def _activation_of(operation: keras.Operation) -> str | None:
    """Returns softmax, sigmoid, linear, or None for any other."""
    if type(operation).__name__ in ("Softmax", "Sigmoid"):  # layers, and keras.ops
        return type(operation).__name__.lower()
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
    if activation == "softmax" and output.units == 1:
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
