"""EfficientNet-Lite: MBConv blocks with ReLU6 and without squeeze-and-excitation.

Sources: tensorflow/tpu models/official/efficientnet/lite (strides, widths, the
fixed stem and head); Tan and Le, arXiv:1905.11946 (compound scaling). The ImageNet
weights are the PyTorch port of Google's own, see `kerastpu.pretrained`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator

import keras

from kerastpu import pretrained
from kerastpu.models import heads, layers, preprocessing

_STEM_FILTERS = 32
_HEAD_FILTERS = 1280
_BN_MOMENTUM = 0.99
_BN_EPSILON = 1e-3


@dataclasses.dataclass(frozen=True)
class Variant:
    """One member of the family.

    Attributes:
        name: Name of the model.
        width: Factor on the filters of the blocks.
        depth: Factor on the number of blocks in stages 2 to 6.
        dropout: Share of features dropped before the classifier.
        weights: Where ImageNet weights come from.
    """

    name: str
    width: float
    depth: float
    dropout: float
    weights: pretrained.WeightSource


LITE0 = Variant("efficientnet_lite0", 1.0, 1.0, 0.2, pretrained.EFFICIENTNET_LITE0)
LITE1 = Variant("efficientnet_lite1", 1.0, 1.1, 0.2, pretrained.EFFICIENTNET_LITE1)
LITE2 = Variant("efficientnet_lite2", 1.1, 1.2, 0.3, pretrained.EFFICIENTNET_LITE2)


@dataclasses.dataclass(frozen=True)
class _Stage:
    """Blocks that share kernel size, expansion and filters; the first one strides."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


def _scaled_filters(filters: int, width: float) -> int:
    """Scales to a multiple of 8 that loses no more than 10 % (arXiv:1905.11946)."""
    scaled = filters * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _blocks(variant: Variant) -> Iterator[_Stage]:
    """Yields every block as a stage of one; Lite scales no first and last stage."""
    for index, stage in enumerate(_STAGES):
        is_fixed = index in (0, len(_STAGES) - 1)
        repeats = math.ceil(stage.repeats * (1.0 if is_fixed else variant.depth))
        filters = _scaled_filters(stage.filters, variant.width)
        for repeat in range(repeats):
            stride = 1 if repeat else stage.stride
            yield dataclasses.replace(stage, repeats=1, stride=stride, filters=filters)


def _convolve(
    x: keras.KerasTensor,
    name: str,
    filters: int | None,
    size: int = 1,
    stride: int = 1,
    *,
    is_linear: bool = False,
) -> keras.KerasTensor:
    """Applies a convolution without bias, BatchNorm, and ReLU6 unless `is_linear`.

    Args:
        x: (batch, height, width, channels).
        name: Prefix of the layer names.
        filters: Output channels; None: one filter for each channel (depthwise).
        size: Height and width of the filters, in pixels.
        stride: Step in both directions, in pixels.
        is_linear: True for the projection that ends a block.

    Returns:
        (batch, ceil(height / stride), ceil(width / stride), filters).
    """
    options = {"padding": "same", "use_bias": False, "name": f"{name}_conv"}
    if filters is None:
        x = keras.layers.DepthwiseConv2D(size, stride, **options)(x)
    else:
        x = keras.layers.Conv2D(filters, size, stride, **options)(x)
    x = keras.layers.BatchNormalization(
        momentum=_BN_MOMENTUM, epsilon=_BN_EPSILON, name=f"{name}_bn"
    )(x)
    return x if is_linear else keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)


def _mbconv(
    x: keras.KerasTensor, block: _Stage, name: str, drop_rate: float
) -> keras.KerasTensor:
    """Expands, convolves each channel, projects, and adds the input where it fits.

    `drop_rate` is the chance, 0..1, that training drops the branch of one example.
    """
    y, channels = x, x.shape[-1]
    if block.expansion > 1:
        y = _convolve(y, f"{name}_expand", channels * block.expansion)
    y = _convolve(y, f"{name}_depthwise", None, block.kernel, block.stride)
    y = _convolve(y, f"{name}_project", block.filters, is_linear=True)
    if block.stride > 1 or channels != block.filters:
        return y
    if drop_rate:
        shape = (None, 1, 1, 1)
        y = keras.layers.Dropout(drop_rate, noise_shape=shape, name=f"{name}_drop")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _backbone(
    x: keras.KerasTensor, variant: Variant, drop_connect: float
) -> keras.KerasTensor:
    """Applies stem, blocks and head: (batch, ceil(h / 32), ceil(w / 32), 1280)."""
    x = _convolve(x, "stem", _STEM_FILTERS, size=3, stride=2)
    blocks = tuple(_blocks(variant))
    for index, block in enumerate(blocks):
        # Stochastic depth grows linearly, as in the source.
        x = _mbconv(x, block, f"block{index}", drop_connect * index / len(blocks))
    return _convolve(x, "head", _HEAD_FILTERS)


def build_efficientnet_lite(
    variant: Variant,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int = 1000,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    pooling: str | None = "avg",
    drop_connect: float = 0.2,
) -> keras.Model:
    """Builds a member of the family, with 1280 features.

    Args:
        variant: Which member; the builders below have set it.
        input_shape: (height, width, channels), at least 32 pixels each way.
        num_classes: Number of classes; 1000 with `weights="imagenet"` is the ImageNet
            classifier, another number gets a new random classifier.
        include_top: False: no classifier; see `pooling`.
        include_preprocessing: True: pixels 0..255 go in, as (x - 127) / 128.
        weights: None (random) or "imagenet" (the package of `kerastpu[weights]`).
        pooling: With `include_top=False`: "avg", "max" or "flatten" returns float32
            features (batch, D), None the last feature map.
        drop_connect: Chance, 0..1, that training drops the last block's branch;
            earlier blocks get a linear share (stochastic depth).

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
        MissingExtraError: the package with the weights is not installed.
        KerastpuError: the weight file is damaged.
    """
    layers.check_arguments(
        input_shape,
        num_classes,
        weights,
        min_size=32,
        known_weights=("imagenet",),
        pooling=pooling,
    )
    scaling = preprocessing.LITE if include_preprocessing else None
    image, x = layers.image_input(input_shape, scaling)
    x = _backbone(x, variant, drop_connect)
    model = layers.finish(
        variant.name,
        image,
        heads.pool(x, "avg" if include_top else pooling),
        num_classes,
        include_top=include_top,
        dropout=variant.dropout,
    )
    if weights:
        variant.weights.load(model)
    return model


# 4.7, 5.4 and 6.2 million parameters, trained on images of 224, 240 and 260 pixels.
build_efficientnet_lite0 = functools.partial(
    build_efficientnet_lite, LITE0, input_shape=(224, 224, 3)
)
build_efficientnet_lite1 = functools.partial(
    build_efficientnet_lite, LITE1, input_shape=(240, 240, 3)
)
build_efficientnet_lite2 = functools.partial(
    build_efficientnet_lite, LITE2, input_shape=(260, 260, 3)
)
