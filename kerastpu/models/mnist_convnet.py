"""Convolutional networks for digits of 28x28 pixels.

Source: GoogleCloudPlatform/training-data-analyst, courses/fast-and-lean-data-science,
01_MNIST_TPU_Keras and 05K_MNIST_TF20Keras_Tensorboard_solution.
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, hidden, layers

# (size of the window, step) of the three convolutions, in pixels.
_WINDOWS = ((3, 1), (6, 2), (6, 2))
_MIN_SIZE = 4
_UNITS = 200
# The notebooks leave Keras's default: MNIST makes updates enough.
_MOMENTUM = 0.99


def build_mnist_convnet(
    *,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    dropout: float = 0.4,
) -> keras.Model:
    """Builds three convolutions of 12, 24 and 32 filters and two dense layers.

    No layer but the last has biases; BatchNorm without scale stands before each ReLU.
    354,538 parameters at 28x28x1, 10 classes.

    Args:
        input_shape: (height, width, channels), at least 4 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the 200 units before it.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.
        dropout: Share of the 200 units dropped in training, 0..0.9.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=_MIN_SIZE)
    hidden.check_dropout(dropout)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = _features(x, (12, 24, 32))
    return layers.finish(
        "mnist_convnet",
        image,
        x,
        num_classes,
        include_top=include_top,
        dropout=dropout,
    )


def build_mnist_convnet_small(
    *,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    dropout: float = 0.5,
) -> keras.Model:
    """Builds three convolutions of 6, 12 and 24 filters and two dense layers.

    250,950 parameters at 28x28x1, 10 classes. For the rest see `build_mnist_convnet`.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=_MIN_SIZE)
    hidden.check_dropout(dropout)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = _features(x, (6, 12, 24))
    return layers.finish(
        "mnist_convnet_small",
        image,
        x,
        num_classes,
        include_top=include_top,
        dropout=dropout,
    )


def _features(x: keras.KerasTensor, filters: tuple[int, int, int]) -> keras.KerasTensor:
    """Returns what the classifier gets: float32 (batch, 200)."""
    for number, (count, (size, strides)) in enumerate(
        zip(filters, _WINDOWS, strict=True), start=1
    ):
        x = blocks.conv(
            x,
            count,
            size,
            f"conv{number}",
            strides=strides,
            batch_norm="before",
            momentum=_MOMENTUM,
        )
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(_UNITS, use_bias=False, name="dense1")(x)
    x = keras.layers.BatchNormalization(
        momentum=_MOMENTUM, scale=False, name="dense1_bn"
    )(x)
    return keras.layers.ReLU(dtype="float32", name=layers.FEATURES)(x)
