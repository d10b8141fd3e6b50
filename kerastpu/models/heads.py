"""What stands on a backbone: pooling, hidden layers, dropout, softmax."""

from __future__ import annotations

from collections.abc import Iterator

import keras

from kerastpu.config import HeadConfig
from kerastpu.errors import UsageError
from kerastpu.models import graph

FEATURES = "features"
HEAD = "probabilities"

# Keras's 0.99 forgets over hundreds of steps; a small data set makes few.
_BN_MOMENTUM = 0.9

_POOLINGS = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
    "flatten": keras.layers.Flatten,
}


def pool(x: keras.KerasTensor, pooling: str | None) -> keras.KerasTensor:
    """Turns a feature map into a vector, float32 also under mixed precision.

    Args:
        x: (batch, height, width, channels).
        pooling: "avg", "max" or "flatten"; None leaves the map as it is.

    Returns:
        (batch, channels), with "flatten" (batch, height * width * channels): the layer
        called "features".
    """
    if pooling is None:
        return x
    return _POOLINGS[pooling](dtype="float32", name=FEATURES)(x)


def pooled_backbone(backbone: keras.Model, head: HeadConfig) -> keras.KerasTensor:
    """Returns the features of a backbone: its last map, and those tapped, pooled.

    Where several levels are pooled they are joined in the order of `head.taps`, the
    last map first; all of them are float32 also under mixed precision.

    Args:
        backbone: functional, one input; its output a map (batch, height, width, C).
        head: `pooling` and `taps`.

    Returns:
        (batch, D): the output of the layer called "features".

    Raises:
        UsageError: a tap is no layer of the backbone, or its output is not one map.
    """
    if not head.taps:
        return pool(backbone.output, head.pooling)
    tensors = graph.output_tensors(backbone)
    layer = _POOLINGS[head.pooling]
    levels = [layer(dtype="float32", name="level_last")(backbone.output)]
    for name in head.taps:
        found = tensors.get(name, [])
        if len(found) != 1 or len(found[0].shape) != 4:
            reason = "makes no feature map of its own" if found else "is not there"
            raise UsageError(
                f"head.taps must name layers of {backbone.name} that make a feature "
                f"map, or be empty; {name!r} {reason}"
            )
        levels.append(layer(dtype="float32", name=f"level_{name}")(found[0]))
    return keras.layers.Concatenate(dtype="float32", name=FEATURES)(levels)


def head_layers(
    head: HeadConfig, num_classes: int, *, seed: int | None = None
) -> Iterator[keras.layers.Layer]:
    """Makes the layers from features to probabilities, in their order.

    Args:
        head: Hidden layers, their activation, BatchNorm and dropout; its pooling is
            that of the backbone, see `pool`.
        num_classes: Number of classes.
        seed: Of the dropout; None: another one each time.

    Yields:
        Layers for features (batch, D); the last one is called "probabilities" and
        float32 also under mixed precision.
    """
    if head.batch_norm:
        yield keras.layers.BatchNormalization(momentum=_BN_MOMENTUM, name="features_bn")
    for number, units in enumerate(head.units, start=1):
        yield from _dropout(head.dropout, f"hidden{number}_dropout", seed, number)
        yield keras.layers.Dense(
            units, use_bias=not head.batch_norm, name=f"hidden{number}"
        )
        if head.batch_norm:
            yield keras.layers.BatchNormalization(
                momentum=_BN_MOMENTUM, name=f"hidden{number}_bn"
            )
        yield keras.layers.Activation(
            head.activation, name=f"hidden{number}_activation"
        )
    yield from _dropout(head.dropout, "head_dropout", seed, 0)
    yield keras.layers.Dense(
        num_classes, activation="softmax", dtype="float32", name=HEAD
    )


def attach_head(
    name: str,
    image: keras.KerasTensor,
    features: keras.KerasTensor,
    num_classes: int,
    head: HeadConfig,
    *,
    seed: int | None = None,
) -> keras.Model:
    """Puts a classifier on features.

    Args:
        name: Name of the model.
        image: The model's input.
        features: (batch, D), or a map (batch, height, width, channels), which is
            pooled as `head` says.
        num_classes: Number of classes.
        head: What stands between features and probabilities.
        seed: Of the dropout; None: another one each time.

    Returns:
        One flat, uncompiled model: image -> float32 (batch, num_classes).
    """
    x = pool(features, head.pooling) if len(features.shape) == 4 else features
    for layer in head_layers(head, num_classes, seed=seed):
        x = layer(x)
    return keras.Model(image, x, name=name)


def _dropout(
    rate: float, name: str, seed: int | None, number: int
) -> Iterator[keras.layers.Layer]:
    if rate:
        # Layers of one seed would drop the same units.
        own_seed = None if seed is None else seed + number
        yield keras.layers.Dropout(rate, seed=own_seed, name=name)
