"""Stored layers into the layers of a model: all of them or none.

Layers are matched by name ("/" in a name is "_" here, as Keras 3 allows no "/"). Where
the names are others but the number of layers is the same, they are matched in order, as
Keras itself does: its own networks name some layers by a counter that depends on what
was built before.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.errors import KerastpuError

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger("kerastpu")

Shape = tuple[int, ...]

# What kerastpu, Keras's networks and keras-squeezenet call their classifier; Keras 2
# wrote some with capitals.
_CLASSIFIER = re.compile(
    r"probabilities|predictions|conv_preds|logits|conv10|\w+_head_dense", re.IGNORECASE
)
# Hidden layers of the classifiers of VGG and MobileNetV3: not part of a backbone.
_TOP = re.compile(r"fc1|fc2|conv_2", re.IGNORECASE)
# Preprocessing that some files bring along; ours holds no weights.
_PREPROCESSING = re.compile(r"(\w+_prestem_)?normalization(_\d+)?")


@dataclasses.dataclass(frozen=True)
class StoredLayer:
    """Weights of one layer that may still lie in a file.

    Attributes:
        name: Of the layer.
        shapes: Of its weights, in the order of Keras: those that train come first.
        read: Reads the weights, in that order.
        kind: Its class in lower case, where the file says so.
        keys: What the file calls its weights; none where it has no names.
    """

    name: str
    shapes: tuple[Shape, ...]
    read: Callable[[], Sequence[np.ndarray]]
    kind: str | None = None
    keys: tuple[str, ...] = ()

    @classmethod
    def of_arrays(cls, name: str, arrays: Sequence[np.ndarray]) -> StoredLayer:
        """Holds arrays that are in memory."""
        return cls(name, tuple(array.shape for array in arrays), lambda: arrays)


Pairs = list[tuple["keras.Layer", StoredLayer]]


def fill(model: keras.Model, stored: Iterable[StoredLayer], origin: str) -> None:
    """Gives the layers of `model` the stored weights; on an error it is as it was.

    A classifier that is not stored or is for another number of classes stays random.

    Args:
        model: Changed in place.
        stored: Layers in the order of the file.
        origin: What to call the file in messages.

    Raises:
        KerastpuError: a layer is missing, left over or of another shape, or cannot be
            read.
    """
    layers = [
        dataclasses.replace(layer, name=layer.name.replace("/", "_"))
        for layer in stored
        if layer.shapes
    ]
    pairs = _match(model, layers, origin)
    for layer, found in pairs:
        _check_shapes(layer, found, origin)
    values = [
        [
            np.reshape(array, weight.shape).astype(np.float32)
            for array, weight in zip(found.read(), layer.weights, strict=True)
        ]
        for layer, found in pairs
    ]
    for (layer, _), arrays in zip(pairs, values, strict=True):
        layer.set_weights(arrays)


def _match(model: keras.Model, stored: list[StoredLayer], origin: str) -> Pairs:
    """Pairs each layer that has weights with its stored layer."""
    targets = [layer for layer in model.layers if layer.weights]
    classifiers = [t for t in targets if _CLASSIFIER.fullmatch(t.name)][-1:]
    stored_classifiers = [s for s in stored if _CLASSIFIER.fullmatch(s.name)][-1:]
    names = {layer.name for layer in targets}
    body = [
        layer
        for layer in stored
        if layer not in stored_classifiers
        and (layer.name in names or not _is_extra(layer.name, bool(classifiers)))
    ]
    if classifiers and not stored_classifiers and len(body) == len(targets):
        # Its name is not known: the last one in order.
        pairs = _match_in_order(targets, body, origin)
        stored_classifiers = [s for target, s in pairs if target in classifiers]
        pairs = [pair for pair in pairs if pair[0] not in classifiers]
    else:
        pairs = _match_body([t for t in targets if t not in classifiers], body, origin)
    return pairs + _match_classifier(classifiers, stored_classifiers, origin)


def _is_extra(name: str, has_classifier: bool) -> bool:
    """Returns whether a stored layer may be left over."""
    if _PREPROCESSING.fullmatch(name):
        return True
    return not has_classifier and bool(_TOP.fullmatch(name))


def _match_body(
    targets: Sequence[keras.Layer], stored: Sequence[StoredLayer], origin: str
) -> Pairs:
    """Pairs layers by name, else in order."""
    by_name = {layer.name: layer for layer in stored}
    missing = [target.name for target in targets if target.name not in by_name]
    if missing and len(targets) == len(stored):
        LOG.info("%s: the layers have other names; matched in order", origin)
        return _match_in_order(targets, stored, origin)
    if missing:
        raise KerastpuError(
            f"{origin}: holds no layer {missing[0]!r}; of the {len(targets)} layers "
            f"that it should hold, {len(missing)} are missing"
        )
    left = sorted(by_name.keys() - {target.name for target in targets})
    if left:
        raise KerastpuError(
            f"{origin}: holds layers that the model has not: {_some(left)}"
        )
    return [(target, by_name[target.name]) for target in targets]


def _match_in_order(
    targets: Sequence[keras.Layer], stored: Sequence[StoredLayer], origin: str
) -> Pairs:
    """Pairs layers in order; where the file knows their kinds, kind by kind."""
    if any(layer.kind is None for layer in stored):
        return list(zip(targets, stored, strict=True))
    pairs: Pairs = []
    for kind in dict.fromkeys(type(target).__name__ for target in targets):
        ours = [target for target in targets if type(target).__name__ == kind]
        theirs = [layer for layer in stored if layer.kind == kind.lower()]
        if len(ours) != len(theirs):
            raise KerastpuError(
                f"{origin}: holds {len(theirs)} layers of kind {kind}; the model has "
                f"{len(ours)}, the first is {ours[0].name!r}"
            )
        pairs += zip(ours, theirs, strict=True)
    return pairs


def _match_classifier(
    targets: Sequence[keras.Layer], stored: Sequence[StoredLayer], origin: str
) -> Pairs:
    """Pairs the classifiers if they are for as many classes."""
    if not targets:
        return []
    num_classes = targets[0].weights[-1].shape[-1]
    if not stored:
        LOG.warning("%s: holds no classifier; it starts random", origin)
        return []
    if stored[0].shapes[-1][-1:] != (num_classes,):
        LOG.warning(
            "%s: its classifier is for %s classes; one for %s starts random",
            *(origin, *stored[0].shapes[-1][-1:], num_classes),
        )
        return []
    return [(targets[0], stored[0])]


def _check_shapes(layer: keras.Layer, stored: StoredLayer, origin: str) -> None:
    """Refuses weights of another shape or number."""
    if len(stored.shapes) != len(layer.weights):
        raise KerastpuError(
            f"{origin}: layer {layer.name} has {len(layer.weights)} weights, "
            f"and {len(stored.shapes)} in the file"
        )
    for weight, shape in zip(layer.weights, stored.shapes, strict=True):
        ours = tuple(weight.shape)
        # A 1x1 convolution of one pixel and a dense layer are the same.
        if shape not in (ours, (1, 1, *ours)) and (1, 1, *shape) != ours:
            raise KerastpuError(
                f"{origin}: layer {layer.name}: {weight.name} has shape {ours}, "
                f"and {shape} in the file"
            )


def _some(names: Sequence[str]) -> str:
    """Returns the first names, and how many more there are."""
    text = ", ".join(names[:3])
    return text if len(names) <= 3 else f"{text} and {len(names) - 3} more"
