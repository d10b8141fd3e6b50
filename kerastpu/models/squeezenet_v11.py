"""SqueezeNet v1.1 for ImageNet: 1,235,496 parameters with 1000 classes.

Source: Iandola et al., arXiv:1602.07360, and the authors' SqueezeNet_v1.1; layers,
names and padding are those of keras-squeezenet, whose weights fit ("/" in a name is
"_" here, for Keras 3 allows no "/"). Its windows stay inside the image; the original
lets the last pooling window hang over the edge, which makes a map larger by one pixel
for some image sizes.
"""

from __future__ import annotations

import keras

from kerastpu import pretrained
from kerastpu.models import fire, heads, layers, preprocessing

# (squeeze, expand) filters of the fire modules between the pools; the first is "fire2".
_STAGES = (
    ((16, 128), (16, 128)),
    ((32, 256), (32, 256)),
    ((48, 384), (48, 384), (64, 512), (64, 512)),
)


def build_squeezenet_v11(
    *,
    input_shape: tuple[int, int, int] = (227, 227, 3),
    num_classes: int = 1000,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    pooling: str | None = "avg",
) -> keras.Model:
    """Builds a convolution, eight fire modules and a 1x1 convolution that classifies.

    Args:
        input_shape: (height, width, channels), at least 31 pixels each way.
        num_classes: Number of classes.
        include_top: True: the original classifier, a 1x1 convolution with ReLU whose
            map is averaged. False: no classifier; see `pooling`.
        include_preprocessing: True: pixels 0..255 in red, green, blue go in, and the
            network makes them blue, green, red minus the mean of ImageNet.
        weights: None (random) or "imagenet" (downloaded once; without the classifier,
            which stays random).
        pooling: With `include_top=False`: "avg", "max" or "flatten" returns float32
            features (batch, 512 with avg and max), None the map of 512 channels.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
        KerastpuError: the weights cannot be downloaded, or are damaged.
    """
    layers.check_arguments(
        input_shape,
        num_classes,
        weights,
        min_size=31,
        known_weights=("imagenet",),
        pooling=pooling,
    )
    scaling = preprocessing.CAFFE if include_preprocessing else None
    image, x = layers.image_input(input_shape, scaling)
    x = _feature_map(x)
    x = _classifier(x, num_classes) if include_top else heads.pool(x, pooling)
    model = keras.Model(image, x, name="squeezenet_v11")
    if weights:
        pretrained.SQUEEZENET_V11.load(model)
    return model


def _feature_map(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns (batch, about height / 16, about width / 16, 512)."""
    x = keras.layers.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(x)
    number = 1
    for stage in _STAGES:
        x = keras.layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
        for filters in stage:
            number += 1
            x = fire.fire_module(*filters, name=f"fire{number}")(x)
    return x


def _classifier(x: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
    """Returns float32 (batch, num_classes): the softmax of averaged maps."""
    x = keras.layers.Dropout(0.5, name="drop9")(x)
    x = keras.layers.Conv2D(
        num_classes, 1, activation="relu", dtype="float32", name="conv10"
    )(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pool10")(x)
    return keras.layers.Softmax(dtype="float32", name=layers.HEAD)(x)
