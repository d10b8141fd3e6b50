"""kerastpu: from a folder of images to a served Keras model, on any accelerator.

Importing this package loads no TensorFlow and no Keras; each name below is loaded
when it is first used.
"""

import importlib
from typing import Any

from kerastpu import version

__version__ = version.VERSION

_ATTRIBUTES = {
    "Config": ("kerastpu.config", "Config"),
    "load_run": ("kerastpu.runs", "load_run"),
    "resolve_accelerator": ("kerastpu.strategy", "resolve"),
    "train": ("kerastpu.training", "train"),
}
_MODULES = (
    *("backend", "data", "export", "guards", "lbfgs", "models", "presets"),
    *("schedules", "strategy"),
)

__all__ = ["__version__", *_ATTRIBUTES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"kerastpu.{name}")
    if name in _ATTRIBUTES:
        module, attribute = _ATTRIBUTES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'kerastpu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
