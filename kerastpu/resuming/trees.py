"""Nested dicts and lists with arrays in them <-> one file: numbers and text only."""

import json
from pathlib import Path
from typing import Any

import numpy as np

_TEXT, _REFERENCE = "tree", "__array__"


def save(path: Path, tree: Any) -> None:
    """Writes `tree` as an .npz archive.

    Args:
        path: ends in .npz.
        tree: dicts, lists, tuples, strings, numbers, None, and arrays among them.
            Tuples come back as lists.

    Raises:
        OSError: it cannot be written.
        TypeError: something else is among them.
    """
    arrays: dict[str, np.ndarray] = {}

    def refer(value: Any) -> dict[str, str]:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise TypeError(f"cannot be kept: {value!r:.80}")
        name = f"array-{len(arrays)}"
        arrays[name] = value
        return {_REFERENCE: name}

    text = json.dumps(tree, default=refer).encode()
    arrays[_TEXT] = np.frombuffer(text, np.uint8)
    np.savez(path, allow_pickle=False, **arrays)


def load(path: Path) -> Any:
    """Reads what `save` wrote; runs nothing that the file might hold.

    Raises:
        OSError: it cannot be read.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}

    def resolve(value: dict[str, Any]) -> Any:
        return arrays[value[_REFERENCE]] if set(value) == {_REFERENCE} else value

    return json.loads(arrays[_TEXT].tobytes(), object_hook=resolve)
