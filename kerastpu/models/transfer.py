"""Transfer learning: a backbone of the registry with a head of one's own."""

from __future__ import annotations

from typing import Any

import keras

from kerastpu.config import HeadConfig, model_checks, values
from kerastpu.errors import UsageError
from kerastpu.models import freezing, heads, registry


def build_transfer(
    backbone: str,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    weights: str | None = "imagenet",
    head: HeadConfig = HeadConfig(),  # noqa: B008  # frozen
    trainable_stages: int | None = 0,
    freeze_batch_norm: bool = False,
    include_preprocessing: bool = True,
    **options: Any,
) -> keras.Model:
    """Builds a backbone, puts a head on it and freezes what is not to train.

    Args:
        backbone: Name of a registered network that is a backbone.
        input_shape: (height, width, channels) of one image.
        num_classes: Number of classes, at least 2.
        weights: Of the backbone: "imagenet", a file, or None for random ones.
        head: Pooling, hidden layers, BatchNorm and dropout.
        trainable_stages: Stages of the backbone that train, counted from its end:
            0 = the head alone, None = all. See `freezing.freeze`.
        freeze_batch_norm: Keep all of the backbone's BatchNorm in inference mode.
        include_preprocessing: True: pixels 0..255 go in, and the model scales them.
        **options: What the backbone's builder takes beside that.

    Returns:
        One flat, uncompiled model: images (batch, height, width, channels) -> float32
        probabilities (batch, num_classes).

    Raises:
        UsageError: an unknown backbone or an argument out of range.
        MissingExtraError: the weights come from a package that is not installed.
        KerastpuError: the weight file is damaged.
    """
    registry.find(backbone, what="backbone", is_backbone=True)
    if not isinstance(head, HeadConfig):
        raise UsageError(f"head must be a HeadConfig; got {head!r}")
    values.check_types(head, "head.")
    model_checks.check_head(head, "head.")
    network = registry.build(
        backbone,
        input_shape=input_shape,
        num_classes=num_classes,
        include_top=False,
        include_preprocessing=include_preprocessing,
        weights=weights,
        pooling=None,
        **options,
    )
    features = heads.pooled_backbone(network, head)
    model = heads.attach_head(network.name, network.input, features, num_classes, head)
    freezing.freeze(model, trainable_stages, freeze_batch_norm)
    return model
