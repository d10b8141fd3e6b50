"""Keys of kept features: equal where the bytes would be, on one kind of processor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_LENGTH = 16  # hex digits
_LINKS = ("name", "keras_history", "input_layers", "output_layers")


def key(parts: Any) -> str:
    """Returns 16 hex digits for plain values, lists and dicts."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def fingerprint(model: keras.Model) -> str:
    """Returns the sha256, in hex, of a network's architecture and weights.

    The names of layers do not count: Keras numbers them on within a process.
    """
    import keras

    digest = hashlib.sha256()
    config = _nameless(keras.saving.serialize_keras_object(model))
    digest.update(json.dumps(config, sort_keys=True).encode())
    for variable in model.weights:
        array = keras.ops.convert_to_numpy(variable)
        digest.update(f"{array.dtype.name} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _nameless(config: Any) -> Any:
    """Returns a serialized model with numbers in the place of its layers' names."""
    numbers = {name: number for number, name in enumerate(_names(config))}

    def replace(value: Any, is_link: bool = False) -> Any:
        if isinstance(value, dict):
            return {name: replace(item, name in _LINKS) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [replace(item, is_link) for item in value]
        return numbers.get(value, value) if is_link else value

    return replace(config)


def _names(value: Any) -> Iterator[str]:
    """Yields the name of the model and of each layer, in their order."""
    if isinstance(value, dict):
        if "layers" in value or "inbound_nodes" in value:
            yield value["name"]
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item)
