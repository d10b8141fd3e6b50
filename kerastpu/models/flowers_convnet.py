"""The notebook's sequential solution for flowers: 293,233 parameters with 5 classes.

Source: GoogleCloudPlatform/training-data-analyst, courses/fast-and-lean-data-science,
07_Keras_Flowers_TPU_solution.
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, layers

_STEPS: tuple[blocks.Step, ...] = (
    (16, 3),
    (30, 3),
    "pool",
    (60, 3),
    "pool",
    (90, 3),
    "pool",
    (110, 3),
    "pool",
    (130, 3),
    (40, 1),
)


def build_flowers_convnet(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
) -> keras.Model:
    """Builds six 3x3 convolutions, one 1x1, average pooling and a dense layer.

    Args:
        input_shape: (height, width, channels), at least 16 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the 40 pooled features.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=16)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = blocks.stack(x, _STEPS)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish(
        "flowers_convnet", image, x, num_classes, include_top=include_top
    )
