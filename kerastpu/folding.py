"""BatchNorm in inference is a scale and a shift: put them into the convolution before.

With s = gamma / sqrt(variance + epsilon), BatchNorm(conv(x) + b) is a convolution with
the kernel scaled by s per output channel and the bias (b - mean) * s + beta (Jacob et
al., 2018, https://arxiv.org/abs/1712.05877, section 3.2). A frozen network then needs
one pass over memory less for each convolution.
"""

from typing import Any

import keras
import numpy as np

_FOLDABLE = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Returns a copy for inference with BatchNorm folded into convolutions.

    Folds where a BatchNorm is the only consumer of a convolution without activation;
    other layers are copied as they are.

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
    """Returns the BatchNorm to fold by the name of the convolution before it."""
    consumers: dict[str, list[keras.layers.Layer]] = {}
    for layer in model.layers:
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors:
                source = tensor._keras_history.operation
                consumers.setdefault(source.name, []).append(layer)
    outputs = {tensor._keras_history.operation.name for tensor in model.outputs}
    return {
        layer.name: users[0]
        for layer in model.layers
        if isinstance(layer, _FOLDABLE)
        and layer.activation is keras.activations.linear
        and layer.name not in outputs
        and len(users := consumers.get(layer.name, [])) == 1
        and isinstance(users[0], keras.layers.BatchNormalization)
        and len(users[0]._inbound_nodes) == 1
        and users[0].axis in (-1, 3)
    }


def _fold(
    convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization
) -> list[np.ndarray]:
    """Returns the kernel and the bias that do the work of both layers."""

    def value(variable: keras.Variable | None, default: float) -> np.ndarray:
        if variable is None:
            return np.full(norm.moving_mean.shape, default, np.float32)
        return keras.ops.convert_to_numpy(variable)

    kernel, *bias = convolution.get_weights()
    variance = keras.ops.convert_to_numpy(norm.moving_variance)
    scale = value(norm.gamma, 1.0) / np.sqrt(variance + norm.epsilon)
    shift = (bias[0] if bias else 0.0) - keras.ops.convert_to_numpy(norm.moving_mean)
    is_depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    # Kernels are (h, w, in, out); depthwise ones (h, w, in, multiplier), in that order.
    factor = scale.reshape(kernel.shape[2:]) if is_depthwise else scale
    return [kernel * factor, shift * scale + value(norm.beta, 0.0)]
