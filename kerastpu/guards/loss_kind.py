"""What a Keras loss expects of labels and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from kerastpu.errors import UsageError
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
    """Returns what is known of `loss`, anything that `compile` takes for one output.

    Raises:
        UsageError: Keras knows no loss of that name.
    """
    while isinstance(loss, list | tuple | dict) and len(loss) == 1:
        (loss,) = loss.values() if isinstance(loss, dict) else loss
    if isinstance(loss, ClassificationLoss):
        return LossKind("categorical" if loss.is_mixed else "sparse")
    if isinstance(loss, str):
        loss = _find_loss(loss)
    if isinstance(loss, keras.losses.Loss):
        for name, labels in _CLASSES.items():
            if isinstance(loss, getattr(keras.losses, name)):
                config = loss.get_config()
                if "from_logits" not in config:  # a subclass with a config of its own
                    return LossKind(None)
                ignored = config.get("ignore_class")
                return LossKind(labels, bool(config["from_logits"]), ignored)
    for name, labels in _KINDS.items():
        if loss is getattr(keras.losses, name):
            return LossKind(labels)
    return LossKind(None)


def _find_loss(name: str) -> Any:
    try:
        return keras.losses.get(name)
    except ValueError:
        raise UsageError(
            f"loss must be one that Keras knows; got {name!r}; for class numbers as "
            "labels write sparse_categorical_crossentropy"
        ) from None
