"""The codelab's SqueezeNet-like solution: 120,613 parameters with 5 classes.

Source: Google codelab "Convolutional neural networks, with Keras and TPUs"; fire
modules from Iandola et al., arXiv:1602.07360.
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from kerastpu.models import layers

# (squeeze, expand) filters of the fire modules; a 2x2 max-pool between them.
_FIRES = ((24, 48), (48, 96), (64, 128), (48, 96), (24, 48))

# The codelab lowers it from Keras's 0.99: a small data set makes few updates.
_BN_MOMENTUM = 0.9


def _conv(x: keras.KerasTensor, filters: int, size: int) -> keras.KerasTensor:
    """Applies convolution, ReLU and BatchNorm, in the codelab's order."""
    conv = keras.layers.Conv2D(filters, size, padding="same", activation="relu")
    return keras.layers.BatchNormalization(momentum=_BN_MOMENTUM)(conv(x))


def fire_module(
    squeeze: int, expand: int
) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Makes a fire module: a cheap stand-in for a 3x3 convolution.

    Args:
        squeeze: Filters of the 1x1 convolution that narrows the input.
        expand: Filters of the output: half 1x1, half 3x3, both on the narrow data.

    Returns:
        A function (batch, height, width, any) -> (batch, height, width, expand).
    """

    def apply(x: keras.KerasTensor) -> keras.KerasTensor:
        narrow = _conv(x, squeeze, 1)
        branches = [_conv(narrow, expand // 2, 1), _conv(narrow, expand // 2, 3)]
        return keras.layers.Concatenate()(branches)

    return apply


def build_squeezenet(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
) -> keras.Model:
    """Builds one convolution, five fire modules, average pooling and a dense layer.

    Args:
        input_shape: (height, width, channels), at least 16 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the 48 pooled features.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of
            `preprocessing.NORMALIZATIONS`.

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
    x = _conv(x, 32, 3)
    for index, (squeeze, expand) in enumerate(_FIRES):
        if index:
            x = keras.layers.MaxPooling2D(2)(x)
        x = fire_module(squeeze, expand)(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish("squeezenet", image, x, num_classes, include_top=include_top)
