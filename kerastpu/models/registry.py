"""What is known about each architecture without building it, and `build` by name."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerastpu import pretrained
from kerastpu.errors import UsageError
from kerastpu.models.catalog import (
    applications,
    codelab,
    efficientnet_lite,
    mnist,
    resnet_v1,
    squeezenet,
)
from kerastpu.models.entry import ModelEntry

if TYPE_CHECKING:
    import keras

REGISTRY: Mapping[str, ModelEntry] = (
    codelab.ENTRIES
    | mnist.ENTRIES
    | squeezenet.ENTRIES
    | efficientnet_lite.ENTRIES
    | resnet_v1.ENTRIES
    | applications.ENTRIES
)

_COMMON = (
    "input_shape",
    "num_classes",
    "include_top",
    "include_preprocessing",
    "weights",
)


def find(name: str, *, what: str = "model", is_backbone: bool = False) -> ModelEntry:
    """Returns the entry called `name`.

    Args:
        name: A key of `REGISTRY`.
        what: What to call it in the message.
        is_backbone: Whether only backbones will do.

    Raises:
        UsageError: there is none; names those that are called nearly so.
    """
    known = [
        key for key, entry in REGISTRY.items() if entry.is_backbone or not is_backbone
    ]
    if name in known:
        return REGISTRY[name]
    plain = str(name).lower().replace("-", "_")
    near = difflib.get_close_matches(plain, known, n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"unknown {what} {name!r}; {hint}`kerastpu models` lists all")


def build(
    name: str,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int | None = None,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | os.PathLike[str] | None = None,
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
        weights: None (random), a name that the entry lists, or a file of this network's
            weights: `.weights.h5` and `.keras` of Keras 3, `.h5` of Keras 2. A
            classifier for another number of classes stays random.
        **options: What this builder takes beside that.

    Returns:
        An uncompiled model: images (batch, height, width, channels) -> float32
        probabilities (batch, num_classes).

    Raises:
        UsageError: an unknown name or option, or an argument out of range.
        MissingExtraError: `weights` come from a package that is not installed.
        KerastpuError: the weights cannot be had, are damaged or of another network.
    """
    entry = find(name)
    builder = entry.load()
    allowed = [
        key for key in inspect.signature(builder).parameters if key not in _COMMON
    ]
    if unknown := sorted(set(options) - set(allowed)):
        raise UsageError(
            f"model {name!r} takes no option {', '.join(unknown)}; "
            f"its options: {', '.join(allowed) or 'none'}"
        )
    if isinstance(weights, os.PathLike):
        weights = os.fspath(weights)
    is_file = pretrained.is_file(weights)
    model = builder(
        input_shape=input_shape,
        num_classes=entry.num_classes if num_classes is None else num_classes,
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        weights=None if is_file else weights,
        **options,
    )
    if is_file:
        pretrained.load_file(model, Path(str(weights)).expanduser())
    return model
