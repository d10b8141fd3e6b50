"""Networks of dense layers only: the codelab's for flowers, the book's for digits.

Sources: Google codelabs "Modern convnets, squeezenet, Xception, with Keras and TPUs"
(500 and 50 units) and "TensorFlow, Keras and deep learning, without a PhD" (200 and 60
units); chapter 4-1 of the book on PyTorch (784 pixels, 256 units, 10 classes).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from kerastpu.models import hidden, layers


def build_mlp(
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    units: Sequence[int] = (256,),
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    initializer: str = "glorot_uniform",
    name: str = "mlp",
) -> keras.Model:
    """Builds hidden dense layers on the flattened pixels, and a classifier.

    Args:
        input_shape: (height, width, channels).
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the last hidden layer.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.
        units: Units of each hidden layer, 1..65536; none: softmax regression.
        activation: Of the hidden layers: relu, gelu, silu, tanh, sigmoid or linear.
        dropout: Share of a hidden layer's outputs dropped in training, 0..0.9.
        batch_norm: True: BatchNorm before each activation.
        initializer: Of the hidden kernels: glorot_uniform, he_normal, or random_normal,
            whose spread does not follow the size of the layer.
        name: Name of the model.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=1)
    hidden.check(units, activation, dropout, initializer)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = keras.layers.Flatten(name="flatten")(x)
    x = hidden.apply(
        x,
        units,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        initializer=initializer,
    )
    dropout = dropout if units else 0.0
    return layers.finish(
        name, image, x, num_classes, include_top=include_top, dropout=dropout
    )


def build_dense(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    units: Sequence[int] = (500, 50),
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    initializer: str = "glorot_uniform",
) -> keras.Model:
    """Builds the codelab's first network: 55,321,805 parameters at 192x192, 5 classes.

    Nearly all of them are weights between each pixel and each of 500 units, which is
    what convolutions do without. For arguments, result and errors see `build_mlp`.
    """
    return build_mlp(
        input_shape=input_shape,
        num_classes=num_classes,
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        weights=weights,
        normalization=normalization,
        units=units,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        initializer=initializer,
        name="dense",
    )


def build_mnist_mlp(
    *,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    units: Sequence[int] = (256,),
    activation: str = "linear",
    dropout: float = 0.2,
    batch_norm: bool = False,
    initializer: str = "glorot_uniform",
) -> keras.Model:
    """Builds the book's network for digits: 203,530 parameters at 28x28x1, 10 classes.

    As in the book there is no activation between its two layers, so that it can learn
    no more than softmax regression can (`units=()`); `activation="relu"` mends that.
    For arguments, result and errors see `build_mlp`.
    """
    return build_mlp(
        input_shape=input_shape,
        num_classes=num_classes,
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        weights=weights,
        normalization=normalization,
        units=units,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        initializer=initializer,
        name="mnist_mlp",
    )


def build_mnist_dense(
    *,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    units: Sequence[int] = (200, 60),
    activation: str = "relu",
    dropout: float = 0.25,
    batch_norm: bool = False,
    initializer: str = "glorot_uniform",
) -> keras.Model:
    """Builds the codelab's dense network for digits: 169,670 parameters at 28x28x1.

    For arguments, result and errors see `build_mlp`.
    """
    return build_mlp(
        input_shape=input_shape,
        num_classes=num_classes,
        include_top=include_top,
        include_preprocessing=include_preprocessing,
        weights=weights,
        normalization=normalization,
        units=units,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        initializer=initializer,
        name="mnist_dense",
    )
