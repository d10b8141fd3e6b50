"""The networks of `keras.applications`, as flat models with our input and our head.

Keras builds the layers; here its own preprocessing (a `Normalization` layer in some,
which ONNX cannot express), its models within the model and its private layers are
taken out, and names that Keras numbers through a whole process start anew in each
model.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import keras

from kerastpu.models import heads, layers
from kerastpu.models.catalog import applications as catalog

# Share of features dropped before the classifier; other networks drop none.
_DROPOUTS = {
    "efficientnet_b0": 0.2,
    "efficientnet_b1": 0.2,
    "efficientnet_b2": 0.3,
    "efficientnet_b3": 0.3,
    "efficientnet_b4": 0.4,
    "efficientnet_b5": 0.4,
    "efficientnet_b6": 0.5,
    "efficientnet_b7": 0.5,
    "efficientnet_v2": 0.2,
    "mobilenet": 1e-3,
    "mobilenet_v3": 0.2,
}
# Channels of the 1x1 convolution between pooling and classifier of MobileNetV3.
_V3_CHANNELS = {"mobilenet_v3_small": 1024, "mobilenet_v3_large": 1280}
_VGG_UNITS = 4096


def build_application(
    name: str,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int = 1000,
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: str | None = None,
    pooling: str | None = "avg",
) -> keras.Model:
    """Builds a network of `keras.applications`.

    Args:
        name: Its name in the registry, such as "mobilenet_v2".
        input_shape: (height, width, channels), at least the entry's `min_size` pixels
            each way.
        num_classes: Number of classes.
        include_top: True: the classifier of the original, for `num_classes`. False: no
            classifier; see `pooling`.
        include_preprocessing: True: pixels 0..255 go in, and the network scales them
            as its ImageNet weights expect it.
        weights: None (random) or "imagenet" (downloaded once).
        pooling: With `include_top=False`: "avg", "max" or "flatten" returns float32
            features (batch, D), None the last feature map.

    Returns:
        An uncompiled model with float32 probabilities (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
        KerastpuError: the weights cannot be downloaded, or are damaged.
    """
    entry = catalog.ENTRIES[name]
    layers.check_arguments(
        input_shape,
        num_classes,
        weights,
        min_size=entry.min_size,
        known_weights=tuple(entry.weights),
        pooling=pooling,
    )
    scaling = entry.preprocessing if include_preprocessing else None
    image, x = layers.image_input(input_shape, scaling)
    image, x = _feature_map(catalog.KERAS_NAMES[name], image, x)
    features = _top(name, x) if include_top else _pool(name, x, pooling)
    dropout = _DROPOUTS.get(name, _DROPOUTS.get(entry.family, 0.0))
    model = layers.finish(
        name, image, features, num_classes, include_top=include_top, dropout=dropout
    )
    if weights:
        entry.weights[weights].load(model)
    return model


def _feature_map(
    keras_name: str, image: keras.KerasTensor, x: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Lets Keras build its network on `x`.

    Returns:
        The input, and the last feature map.
    """
    function = getattr(keras.applications, keras_name)
    options: dict[str, Any] = {}
    if "include_preprocessing" in inspect.signature(function).parameters:
        options["include_preprocessing"] = False
    network = function(
        include_top=False,
        weights=None,
        input_tensor=x,
        input_shape=tuple(x.shape[1:]),
        **options,
    )
    output = network.output
    if isinstance(network.layers[-1], keras.layers.LayerNormalization):
        output = network.layers[-1].input  # ConvNeXt: it is part of our pooling
    model = keras.Model(image, output)
    if any(_is_foreign(layer) for layer in model.layers):
        model = keras.models.clone_model(model, call_function=_call)
    _number_names(model)
    return model.input, model.output


def _is_foreign(layer: keras.Layer) -> bool:
    """Returns whether `_call` puts something else in the place of `layer`."""
    is_scaling = isinstance(layer, keras.layers.Rescaling)
    return (
        (is_scaling and layer.name != "preprocessing")
        or isinstance(layer, (keras.layers.Normalization, keras.Sequential))
        or type(layer).__name__ == "CustomScaleLayer"
    )


def _call(layer: keras.Operation, *args: Any, **kwargs: Any) -> keras.KerasTensor:
    """Calls a cloned layer, or what stands for it."""
    if not isinstance(layer, keras.Layer) and type(layer).__name__ == "Add":
        return keras.layers.Add()(args)  # "+" of ConvNeXt, so that all are layers
    if not _is_foreign(layer):
        return layer(*args, **kwargs)
    (x,) = args
    if isinstance(layer, keras.Sequential):
        for inner in layer.layers:
            x = type(inner).from_config(inner.get_config())(x)
    elif type(layer).__name__ == "CustomScaleLayer":  # of InceptionResNetV2
        shortcut, branch = x
        x = keras.layers.Add()([shortcut, keras.layers.Rescaling(layer.scale)(branch)])
    return x


def _pool(name: str, x: keras.KerasTensor, pooling: str | None) -> keras.KerasTensor:
    """Turns the feature map into features; ConvNeXt's are normalized."""
    if pooling is None or not name.startswith("convnext"):
        return heads.pool(x, pooling)
    if pooling == "flatten":
        return heads.pool(_normalized(x, f"{name}_head_layernorm"), pooling)
    pool = {
        "avg": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
    }[pooling]
    return _normalized(
        pool(dtype="float32", name=f"{name}_head_gap")(x), heads.FEATURES
    )


def _normalized(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    norm = keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32", name=name)
    return norm(x)


def _top(name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns what the original gives its classifier, as the layer "features"."""
    if name.startswith("vgg"):
        x = keras.layers.Flatten(name="flatten")(x)
        for layer in ("fc1", "fc2"):
            x = keras.layers.Dense(_VGG_UNITS, activation="relu", name=layer)(x)
    elif name in _V3_CHANNELS:
        x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="avg_pool")(x)
        x = keras.layers.Conv2D(_V3_CHANNELS[name], 1, name="conv_2")(x)
        x = keras.layers.Activation("hard_swish", name="conv_2_activation")(x)
    else:
        return _pool(name, x, "avg")
    return keras.layers.Flatten(dtype="float32", name=heads.FEATURES)(x)


def _number_names(model: keras.Model) -> None:
    """Numbers "conv2d_57" and the like from 0, in the order they were made in."""
    by_kind: dict[str, list[tuple[int, keras.Operation]]] = {}
    for operation in model.operations:
        kind = _snake_case(type(operation).__name__)
        if found := re.fullmatch(rf"{kind}(?:_(\d+))?", operation.name):
            number = int(found[1] or 0)
            by_kind.setdefault(kind, []).append((number, operation))
    for kind, numbered in by_kind.items():
        numbered.sort(key=lambda pair: pair[0])
        for number, (_, operation) in enumerate(numbered):
            operation.name = f"{kind}_{number}" if number else kind


def _snake_case(name: str) -> str:
    """Returns "ZeroPadding2D" as Keras writes it into names: "zero_padding2d"."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
