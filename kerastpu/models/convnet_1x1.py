"""The codelab's larger convolutional network: 43,389 parameters at 192x192, 5 classes.

Ten convolutions, every other one 1x1: it sees more than the simple network and has
fewer weights. Source: Google codelab "Modern convnets, squeezenet, Xception, with Keras
and TPUs".
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, layers

_STAGE: tuple[blocks.Step, ...] = ((32, 3), (32, 1), "pool")
_STEPS = (*_STAGE, *_STAGE, *_STAGE, *_STAGE, (16, 3), (8, 1))


def build_convnet_1x1(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
) -> keras.Model:
    """Builds five pairs of 3x3 and 1x1 convolutions, four max-pools, a dense layer.

    Args:
        input_shape: (height, width, channels), at least 16 pixels each way.
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
    layers.check_arguments(input_shape, num_classes, weights, min_size=16)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = blocks.stack(x, _STEPS)
    x = keras.layers.Flatten(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish("convnet_1x1", image, x, num_classes, include_top=include_top)
