"""The codelab's SqueezeNet-like solution: 120,613 parameters with 5 classes.

Source: Google codelab "Modern convnets, squeezenet, Xception, with Keras and TPUs" and
its notebook 07_Keras_Flowers_TPU_squeezenet.
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, fire, layers

# (squeeze, expand) filters of the fire modules; a 2x2 max-pool between them.
_FIRES = ((24, 48), (48, 96), (64, 128), (48, 96), (24, 48))


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
    x = fires(x, batch_norm="after")
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish("squeezenet", image, x, num_classes, include_top=include_top)


def fires(x: keras.KerasTensor, *, batch_norm: blocks.BatchNorm) -> keras.KerasTensor:
    """Applies a convolution and five fire modules with pools between them.

    Args:
        x: (batch, height, width, channels), scaled pixels.
        batch_norm: Where BatchNorm stands in the fire modules; see `blocks.conv`. In
            the convolution before them it comes after the ReLU.

    Returns:
        (batch, height / 16, width / 16, 48).
    """
    x = blocks.conv(x, 32, 3, "conv1", batch_norm="after")
    return blocks.with_pools(
        x,
        [
            fire.fire_module(*filters, batch_norm=batch_norm, name=f"fire{number}")
            for number, filters in enumerate(_FIRES, start=1)
        ],
    )
