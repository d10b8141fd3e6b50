"""The SqueezeNet of the notebook for GPU, TPU and TPU pod: 119,365 parameters.

Source: GoogleCloudPlatform/training-data-analyst, courses/fast-and-lean-data-science,
keras_flowers_gputputpupod_tf2.1 and keras_flowers_customtrainloop_tf2.1 (the same
network, with a printed summary): the fire modules have no biases and BatchNorm without
scale before the ReLU; the first convolution is that of `squeezenet`.
"""

from __future__ import annotations

import keras

from kerastpu.models import hidden, layers, squeezenet


def build_squeezenet_pod(
    *,
    input_shape: tuple[int, int, int] = (331, 331, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    dropout: float = 0.4,
) -> keras.Model:
    """Builds one convolution, five fire modules, average pooling and a dense layer.

    Args:
        input_shape: (height, width, channels), at least 16 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the 48 pooled features.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.
        dropout: Share of the features dropped in training, 0..0.9.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(input_shape, num_classes, weights, min_size=16)
    hidden.check_dropout(dropout)
    scaling = layers.resolve_normalization(
        normalization, include_preprocessing=include_preprocessing
    )
    image, x = layers.image_input(input_shape, scaling)
    x = squeezenet.fires(x, batch_norm="before")
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish(
        "squeezenet_pod",
        image,
        x,
        num_classes,
        include_top=include_top,
        dropout=dropout,
    )
