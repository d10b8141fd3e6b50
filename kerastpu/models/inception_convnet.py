"""The codelab's fire example with inception modules instead: 52,613 parameters.

The module is the codelab's (1x1 and 3x3, 32 filters each); the network around it is
that of `firenet`, so that the two modules can be compared.
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, inception, layers

_NUM_MODULES = 3


def build_inception_convnet(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    batch_norm: bool = False,
) -> keras.Model:
    """Builds one convolution, three inception modules, average pooling, a dense layer.

    Args:
        input_shape: (height, width, channels), at least 4 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the 64 pooled features.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.
        batch_norm: True: BatchNorm after each convolution and its ReLU.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=4)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    place = blocks.place_batch_norm(batch_norm)
    image, x = layers.image_input(input_shape, scaling)
    x = blocks.conv(x, 32, 3, "conv1", batch_norm=place)
    x = blocks.with_pools(
        x,
        [
            inception.inception_module(
                32, 32, batch_norm=place, name=f"inception{number}"
            )
            for number in range(1, _NUM_MODULES + 1)
        ],
    )
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish(
        "inception_convnet", image, x, num_classes, include_top=include_top
    )
