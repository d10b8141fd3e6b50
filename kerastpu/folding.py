"""BatchNorm in inference is a scale and a shift: put them into the convolution before.

With s = gamma / sqrt(variance + epsilon), BatchNorm(conv(x) + b) is a convolution with
the kernel scaled by s per output channel and the bias (b - mean) * s + beta (Jacob et
al., 2018, https://arxiv.org/abs/1712.05877, section 3.2). A frozen network then needs
one pass over memory less for each convolution.
"""

import collections
from typing import Any

import keras
import numpy as np

from kerastpu.models import graph

_FOLDABLE = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Returns a copy for inference with BatchNorm folded into convolutions.

    Folds where a BatchNorm is the only consumer of a convolution (a separable or a
    depthwise one too) or dense layer without activation; other layers and operations
    are copied as they are.

    Args:
        model: a functional model; it is not changed.

    Returns:
        A model with the same inputs and outputs; float32 outputs agree to about 1e-5
        of their size.
    """
    norms = _find_norms(model)
    folded = {norm.name for norm in norms.values()}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        return type(layer).from_config(
            config | ({"use_bias": True} if layer.name in norms else {})
        )

    def call(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in folded else layer(*args, **kwargs)

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in copy.layers:
        if not layer.weights:  # cloning renames the inputs, which hold none
            continue
        original = model.get_layer(layer.name)
        weights = original.get_weights()
        if layer.name in norms:
            weights = _fold(original, norms[layer.name])
        layer.set_weights(weights)
    return copy


def _find_norms(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Returns the BatchNorm to fold by the name of the layer before it."""
    consumers: dict[keras.Operation, list[keras.Operation]] = {}
    calls: collections.Counter[keras.Operation] = collections.Counter()
    for operation, sources in graph.walk(model):
        calls[operation] += 1
        for source in sources:
            consumers.setdefault(source, []).append(operation)
    outputs = {tensor._keras_history.operation for tensor in model.outputs}
    return {
        layer.name: users[0]
        for layer, users in consumers.items()
        if isinstance(layer, _FOLDABLE)
        and layer.activation is keras.activations.linear
        and layer not in outputs
        and len(users) == 1
        and isinstance(users[0], keras.layers.BatchNormalization)
        and calls[users[0]] == 1
        and users[0].axis in (-1, users[0].input_spec.ndim - 1)
    }


def _fold(
    layer: keras.layers.Layer, norm: keras.layers.BatchNormalization
) -> list[np.ndarray]:
    """Returns the kernels and the bias that do the work of both layers."""

    def value(variable: keras.Variable | None, default: float) -> np.ndarray:
        if variable is None:
            return np.full(norm.moving_mean.shape, default, np.float32)
        return keras.ops.convert_to_numpy(variable)

    kernels = layer.get_weights()
    bias = kernels.pop() if layer.use_bias else 0.0
    variance = keras.ops.convert_to_numpy(norm.moving_variance)
    scale = value(norm.gamma, 1.0) / np.sqrt(variance + norm.epsilon)
    shift = bias - keras.ops.convert_to_numpy(norm.moving_mean)
    # The last kernel is (..., out), the pointwise one of a separable convolution too;
    # a depthwise one (h, w, in, multiplier) has its outputs in the order of the two.
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    factor = scale.reshape(kernels[-1].shape[2:]) if is_depthwise else scale
    return [*kernels[:-1], kernels[-1] * factor, shift * scale + value(norm.beta, 0.0)]
