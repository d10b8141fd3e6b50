"""The codelab's example of fire modules: 21,709 parameters with 5 classes.

Source: Google codelab "Modern convnets, squeezenet, Xception, with Keras and TPUs".
"""

from __future__ import annotations

import keras

from kerastpu.models import blocks, fire, layers

_NUM_MODULES = 3


def build_firenet(
    *,
    input_shape: tuple[int, int, int] = (192, 192, 3),
    num_classes: int = 5,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    normalization: str = "unit",
    batch_norm: bool = False,
) -> keras.Model:
    """Builds one convolution, three fire modules, average pooling and a dense layer.

    Args:
        input_shape: (height, width, channels), at least 4 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns the 48 pooled features.
        include_preprocessing: True: pixels 0..255 go in and the network scales them.
        weights: None; there are no trained weights.
        normalization: How it scales: a key of `preprocessing.NORMALIZATIONS`.
        batch_norm: True: BatchNorm after each convolution and its ReLU, which makes
            22,701 parameters.

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
            fire.fire_module(24, 48, batch_norm=place, name=f"fire{number}")
            for number in range(1, _NUM_MODULES + 1)
        ],
    )
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name=layers.FEATURES)(x)
    return layers.finish("firenet", image, x, num_classes, include_top=include_top)
