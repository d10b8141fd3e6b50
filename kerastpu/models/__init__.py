"""The model zoo: one architecture per file, and one dict that names them.

Importing this package imports no Keras: builder modules are loaded when asked for.
Every builder returns a plain `keras.Model` made of stock layers, so that a saved
`.keras` file loads where kerastpu is not installed. Images go in as pixels 0..255
(uint8 or float), class probabilities come out as float32.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kerastpu.errors import UsageError

if TYPE_CHECKING:
    import keras

_COMMON = (
    "input_shape",
    "num_classes",
    "include_top",
    "include_preprocessing",
    "weights",
)


@dataclasses.dataclass(frozen=True)
class ModelEntry:
    """What is known about an architecture without building it.

    Attributes:
        module: Module that holds the builder.
        builder: Name of the builder function in `module`.
        description: One line for people.
        preprocessing: What the model does to pixels 0..255 before its first layer.
        source: Where the architecture and `num_parameters` come from.
        image_size: Height and width, in pixels, of the source.
        num_classes: Classes of the source.
        num_parameters: All parameters, BatchNorm statistics included, at
            `image_size`, 3 channels and `num_classes`.
        weights: Names accepted as `weights` beside None.
        normalizations: Names accepted as `normalization`; none if weights fix it.
    """

    module: str
    builder: str
    description: str
    preprocessing: str
    source: str
    image_size: int
    num_classes: int
    num_parameters: int
    weights: tuple[str, ...] = ()
    normalizations: tuple[str, ...] = ()

    def load(self) -> Callable[..., keras.Model]:
        """Imports and returns the builder (and with it, Keras)."""
        return getattr(importlib.import_module(self.module), self.builder)


REGISTRY: dict[str, ModelEntry] = {
    "convnet": ModelEntry(
        module="kerastpu.models.convnet",
        builder="build_convnet",
        description="the codelab's first convolutional network",
        preprocessing="x / 255",
        source="Google codelab keras-flowers-tpu, simple convnet",
        image_size=192,
        num_classes=5,
        num_parameters=78_263,
        normalizations=("unit", "mnist"),
    ),
    "squeezenet": ModelEntry(
        module="kerastpu.models.squeezenet",
        builder="build_squeezenet",
        description="the codelab's solution: fire modules with BatchNorm",
        preprocessing="x / 255",
        source="Google codelab keras-flowers-tpu, SqueezeNet solution",
        image_size=192,
        num_classes=5,
        num_parameters=120_613,
        normalizations=("unit", "mnist"),
    ),
    "efficientnet_lite0": ModelEntry(
        module="kerastpu.models.efficientnet_lite",
        builder="build_efficientnet_lite0",
        description="EfficientNet-Lite0: mobile backbone with ImageNet weights",
        preprocessing="(x - 127) / 128",
        source="tensorflow/tpu efficientnet/lite; Tan and Le, arXiv:1905.11946",
        image_size=224,
        num_classes=1000,
        num_parameters=4_694_024,
        weights=("imagenet",),
    ),
}


def build(
    name: str,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int | None = None,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds the model called `name`.

    Args:
        name: A key of `REGISTRY`.
        input_shape: (height, width, channels) of one image.
        num_classes: Number of classes, at least 2; None: that of the source.
        include_top: False leaves the classifier off: the model returns features
            (batch, num_features), and `num_classes` is not used.
        include_preprocessing: True: pixels 0..255 go in, and the model scales them.
            False: the bare network, for code that scales by itself.
        weights: None (random), or a name that the entry lists.
        **options: What this builder takes beside that.

    Returns:
        An uncompiled model: images (batch, height, width, channels) -> float32
        probabilities (batch, num_classes).

    Raises:
        UsageError: an unknown name or option, or an argument out of range.
        MissingExtraError: `weights` come from a package that is not installed.
        KerastpuError: the weight file is damaged.
    """
    if name not in REGISTRY:
        raise UsageError(f"unknown model {name!r}; known: {', '.join(REGISTRY)}")
    entry = REGISTRY[name]
    builder = entry.load()
    allowed = [
        key for key in inspect.signature(builder).parameters if key not in _COMMON
    ]
    if unknown := sorted(set(options) - set(allowed)):
        raise UsageError(
            f"model {name!r} takes no option {', '.join(unknown)}; "
            f"its options: {', '.join(allowed) or 'none'}"
        )
    return builder(
        input_shape=input_shape,
        num_classes=entry.num_classes if num_classes is None else num_classes,
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        weights=weights,
        **options,
    )
