"""Networks from other programs as trainable Keras models.

`import_onnx(path)` returns a `keras.Model` of stock layers. Importing this package
imports neither Keras nor onnx: both are loaded when a file is read.
"""

import importlib
from typing import Any

_MODULES = {
    "Imported": "importing",
    "UnsupportedModelError": "refusals",
    "convert": "importing",
    "import_onnx": "importing",
}

__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'kerastpu.importers' has no attribute {name!r}")
    module = importlib.import_module(f"kerastpu.importers.{_MODULES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
