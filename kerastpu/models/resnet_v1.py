"""ResNet-50 v1 as Gluon builds it and the ONNX Model Zoo has it: 25,629,032 parameters.

Source: He et al., arXiv:1512.03385, in the version of MXNet's model zoo
(`resnet50_v1`): the first 1x1 convolution of a stage strides, the 1x1 convolutions of
a block have a bias and all others have none. The layers are called as there, but for
the input, the pooled features and the classifier, which have the same names in all
networks here.
"""

from __future__ import annotations

import keras

from kerastpu.models import heads, layers, preprocessing

# Channels and blocks of each stage.
_STAGES = ((256, 3), (512, 4), (1024, 6), (2048, 3))
_BOTTLENECK = 4  # the 3x3 convolution of a block has this many times fewer channels
_MOMENTUM, _EPSILON = 0.9, 1e-5  # of BatchNorm, as in Gluon


def build_resnet50_v1(
    *,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    pooling: str | None = "avg",
) -> keras.Model:
    """Builds a 7x7 convolution, a pool, 16 bottleneck blocks and a dense layer.

    Args:
        input_shape: (height, width, channels), at least 32 pixels each way.
        num_classes: Number of classes.
        include_top: False: no classifier; see `pooling`.
        include_preprocessing: True: pixels 0..255 in red, green, blue go in, and the
            network scales them and subtracts the mean of ImageNet.
        weights: None; there are no trained weights.
        pooling: With `include_top=False`: "avg", "max" or "flatten" returns float32
            features (batch, 2048 with avg and max), None the map of 2048 channels.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    layers.check_arguments(
        input_shape, num_classes, weights, min_size=32, pooling=pooling
    )
    scaling = preprocessing.DLPY if include_preprocessing else None
    image, x = layers.image_input(input_shape, scaling)
    x = heads.pool(_feature_map(x), "avg" if include_top else pooling)
    return layers.finish("resnet50_v1", image, x, num_classes, include_top=include_top)


def _feature_map(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns (batch, height / 32, width / 32, 2048)."""
    x = keras.layers.ZeroPadding2D(3, name="conv0_pad")(x)
    x = _conv(x, 64, 7, "", 0, strides=2, use_bias=False, padding="valid")
    x = keras.layers.ReLU(name="relu0")(x)
    x = keras.layers.ZeroPadding2D(1, name="pool0_pad")(x)  # ReLU left nothing below 0
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool0")(x)
    for number, (channels, num_blocks) in enumerate(_STAGES, start=1):
        for block in range(num_blocks):
            x = _block(x, channels, f"stage{number}_", block)
    return x


def _block(
    x: keras.KerasTensor, channels: int, prefix: str, block: int
) -> keras.KerasTensor:
    """Applies one block; the first of a stage strides and projects its shortcut."""
    is_first = block == 0
    strides = 2 if is_first and prefix != "stage1_" else 1
    conv = 3 * block + (not is_first)  # the projection of the first block is number 3
    relu, narrow = 2 * block, channels // _BOTTLENECK
    shortcut = x
    if is_first:
        shortcut = _conv(x, channels, 1, prefix, 3, strides=strides, use_bias=False)
    x = _conv(x, narrow, 1, prefix, conv, strides=strides)
    x = keras.layers.ReLU(name=f"{prefix}relu{relu}")(x)
    x = _conv(x, narrow, 3, prefix, conv + 1, use_bias=False)
    x = keras.layers.ReLU(name=f"{prefix}relu{relu + 1}")(x)
    x = _conv(x, channels, 1, prefix, conv + 2)
    x = keras.layers.Add(name=f"{prefix}_plus{block}")([shortcut, x])
    return keras.layers.ReLU(name=f"{prefix}activation{block}")(x)


def _conv(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    prefix: str,
    number: int,
    *,
    strides: int = 1,
    use_bias: bool = True,
    padding: str = "same",
) -> keras.KerasTensor:
    """Applies a convolution and BatchNorm, without activation."""
    x = keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding=padding,
        use_bias=use_bias,
        name=f"{prefix}conv{number}",
    )(x)
    return keras.layers.BatchNormalization(
        momentum=_MOMENTUM, epsilon=_EPSILON, name=f"{prefix}batchnorm{number}"
    )(x)
