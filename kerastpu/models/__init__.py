"""The model zoo: one architecture per file, and one dict that names them.

Importing this package imports no Keras: builder modules are loaded when asked for.
Every builder returns a plain `keras.Model` made of stock layers, so that a saved
`.keras` file loads where kerastpu is not installed. Images go in as pixels 0..255
(uint8 or float), class probabilities come out as float32.
"""

from kerastpu.models.entry import ModelEntry
from kerastpu.models.registry import REGISTRY, build

__all__ = ["REGISTRY", "ModelEntry", "build"]
