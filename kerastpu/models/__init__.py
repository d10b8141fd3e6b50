"""The model zoo: one architecture per file, and one dict that names them.

Importing this package imports no Keras: builder modules are loaded when asked for.
Every builder returns a plain `keras.Model` made of stock layers, so that a saved
`.keras` file loads where kerastpu is not installed. Images go in as pixels 0..255
(uint8 or float), class probabilities come out as float32.
"""

import importlib
from typing import Any

from kerastpu.models.entry import ModelEntry
from kerastpu.models.registry import REGISTRY, build

_MODULES = {
    "Stage": "stages",
    "build_tabular": "tabular",
    "build_transfer": "transfer",
    "find_stages": "stages",
    "freeze": "freezing",
    "trainable_summary": "freezing",
}

__all__ = ["REGISTRY", "ModelEntry", "build", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'kerastpu.models' has no attribute {name!r}")
    module = importlib.import_module(f"kerastpu.models.{_MODULES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
