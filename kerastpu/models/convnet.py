"""The codelab's simple convolutional network: 78,263 parameters at 192x192, 5 classes.

Source: Google codelab "Modern convnets, squeezenet, Xception, with Keras and TPUs".
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, layers

_STEPS: tuple[blocks.Step, ...] = ((24, 3), (24, 3), "pool", (12, 3), "pool", (6, 3))


def build_convnet(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
) -> keras.Model:
    """Builds four 3x3 convolutions, two max-pools and one dense layer.

    Args:
        input_shape: (height, width, channels), at least 4 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the flat feature map.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=4)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = blocks.stack(x, _STEPS)
    x = keras.layers.Flatten(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish("convnet", image, x, num_classes, include_top=include_top)
