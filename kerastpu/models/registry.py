"""What is known about each architecture without building it, and `build` by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kerastpu.errors import UsageError
from kerastpu.models.catalog import codelab, efficientnet_lite
from kerastpu.models.entry import ModelEntry

if TYPE_CHECKING:
    import keras

REGISTRY: Mapping[str, ModelEntry] = codelab.ENTRIES | efficientnet_lite.ENTRIES

_COMMON = (
    "input_shape",
    "num_classes",
    "include_top",
    "include_preprocessing",
    "weights",
)


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
