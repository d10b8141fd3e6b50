"""What a Keras loss expects of labels and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from kerastpu.losses import ClassificationLoss

# The name in snake case is that of the function, the other that of the class.
_KINDS = {
    "sparse_categorical_crossentropy": "sparse",
    "categorical_crossentropy": "categorical",
    "categorical_focal_crossentropy": "categorical",
    "binary_crossentropy": "binary",
    "binary_focal_crossentropy": "binary",
}
_CLASSES = {
    "SparseCategoricalCrossentropy": "sparse",
    "CategoricalCrossentropy": "categorical",
    "CategoricalFocalCrossentropy": "categorical",
    "BinaryCrossentropy": "binary",
    "BinaryFocalCrossentropy": "binary",
}


@dataclass(frozen=True)
class LossKind:
    """What is known of a loss."""

    labels: str | None
    """sparse (integers), categorical (a distribution over classes), binary (0..1 for
    each output), or None where it is not known."""
    from_logits: bool = False
    """Whether the loss applies softmax or sigmoid to the outputs."""
    ignored_label: int | None = None
    """A label that costs nothing, such as -1."""


def describe_loss(loss: Any) -> LossKind:
    """Returns what is known of `loss`, anything that `compile` takes."""
    if isinstance(loss, ClassificationLoss):
        return LossKind("categorical" if loss.is_mixed else "sparse")
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        for name, labels in _CLASSES.items():
            if isinstance(loss, getattr(keras.losses, name)):
                config = loss.get_config()
                ignored = config.get("ignore_class")
                return LossKind(labels, bool(config["from_logits"]), ignored)
    for name, labels in _KINDS.items():
        if loss is getattr(keras.losses, name):
            return LossKind(labels)
    return LossKind(None)
