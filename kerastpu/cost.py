"""What a network costs in floating-point operations.

Convention: a multiplication is one operation and so is an addition; a multiply-add is
two. Counted are convolutions, dense and recurrent layers and attention, for one example
in inference, the zeros of the padding included. Biases, activations, normalization and
pooling count as 0. Many publications print multiply-adds and call them FLOPs, which is
half of the numbers here; some leave the dense layers out as well.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kerastpu import convolutions
from kerastpu.errors import UsageError

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]

_OPERATIONS = 2  # in a multiply-add

# Gates of recurrent layers: each multiplies a matrix by the input, one by the state.
_GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}

# Layers whose weights only scale, shift or are looked up.
_FREE = (
    *("BatchNormalization", "GroupNormalization", "LayerNormalization"),
    *("Embedding", "LayerScale", "Normalization", "PReLU"),
)
# What multiplies matrices without having weights, and is not counted.
_PRODUCTS = (
    *("AdditiveAttention", "Attention", "DotProductAttention"),
    *("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv"),
    *("Dot", "Einsum", "Inner", "Matmul", "Tensordot", "Vdot"),
)


def count_flops(model: keras.Model) -> int:
    """Counts the operations for one example; for the convention see the module.

    Args:
        model: Functional or Sequential, built for a fixed input size; it is not run.

    Returns:
        2 x multiply-adds. A layer that is called twice counts twice.

    Raises:
        UsageError: a size is not known, or a layer cannot be counted; names it.
    """
    return sum(count_flops_by_layer(model).values())


def count_flops_by_layer(model: keras.Model) -> dict[str, int]:
    """Counts as `count_flops` does, layer by layer.

    Args:
        model: Functional or Sequential, built for a fixed input size; it is not run.

    Returns:
        Name -> operations, for every layer, those with 0 too, in the order of the
        model. A model inside the model is one layer.

    Raises:
        UsageError: a size is not known, or a layer cannot be counted; names it.
    """
    import keras

    if not getattr(model, "inputs", None):
        raise UsageError(
            "model must be functional or Sequential with a known input shape; "
            f"got {getattr(model, 'name', model)!r}"
        )
    # A Sequential has no graph of its own; this one is over the same layers.
    graph = keras.Model(model.inputs, model.outputs)
    counts = {layer.name: 0 for layer in graph.layers}
    # Keras 3.10 to 3.15 has no public name for the calls of its layers.
    for nodes in graph._nodes_by_depth.values():
        for node in nodes:
            name = node.operation.name
            counts[name] = counts.get(name, 0) + count_flops_of_call(node)
    return counts


def count_flops_of_call(node: Any) -> int:
    """Counts one call of a layer or an operation, as `count_flops` does.

    Args:
        node: `keras.src.ops.node.Node`, as the graph of a model has it.

    Raises:
        UsageError: a size is not known, or the layer cannot be counted; names it.
    """
    import keras

    layer = node.operation
    if isinstance(layer, keras.Model):
        return count_flops(layer)
    inputs, output = node.input_tensors, node.output_tensors[0]
    if type(layer) is keras.layers.MultiHeadAttention:
        inputs = _attention_inputs(layer, node.arguments)
    shapes = [tuple(tensor.shape[1:]) for tensor in (*inputs, output)]
    return _OPERATIONS * _multiply_adds(layer, shapes[:-1], shapes[-1])


def _multiply_adds(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    """Counts for one example; shapes are without the batch."""
    kind = type(layer).__name__
    is_stock = type(layer).__module__.startswith("keras.")
    if is_stock and kind in _COUNTERS:
        if unknown := [shape for shape in inputs if None in shape]:
            raise UsageError(
                f"the model must be built for a fixed input size; {kind} "
                f"{layer.name!r} works on {unknown[0]}"
            )
        return _COUNTERS[kind](layer, inputs, output)
    has_weights = bool(getattr(layer, "weights", None))  # operations have no such list
    if kind in _PRODUCTS or (has_weights and not (is_stock and kind in _FREE)):
        raise UsageError(
            f"cannot count the operations of layer {layer.name!r} ({kind}); "
            f"known are {', '.join(_COUNTERS)}"
        )
    return 0


def _positions(layer: Any, shape: Shape) -> int:
    """Returns the number of pixels or time steps of what has channels."""
    is_first = layer.data_format == "channels_first"
    return math.prod(shape[1:] if is_first else shape[:-1])


def _channels(layer: Any, shape: Shape) -> int:
    return shape[0 if layer.data_format == "channels_first" else -1]


def _conv(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    weights = convolutions.conv_parameters(
        layer.kernel_size,
        _channels(layer, inputs[0]),
        layer.filters,
        groups=layer.groups,
        use_bias=False,
    )
    return _positions(layer, output) * weights


def _conv_transpose(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    """Counts that each position of the input is spread over a whole window."""
    channels = _channels(layer, inputs[0])
    weights = math.prod(layer.kernel_size) * channels * layer.filters
    return _positions(layer, inputs[0]) * weights


def _depthwise_conv(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    return math.prod(layer.kernel_size) * math.prod(output)


def _separable_conv(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    weights = convolutions.separable_parameters(
        layer.kernel_size,
        _channels(layer, inputs[0]),
        layer.filters,
        depth_multiplier=layer.depth_multiplier,
        use_bias=False,
    )
    return _positions(layer, output) * weights


def _dense(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    return math.prod(inputs[0]) * layer.units


def _einsum_dense(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    """Counts the product of all axes, those that are summed over as well."""
    data, kernel = layer.equation.replace(" ", "").split("->")[0].split(",")
    left, has_more, right = data.partition("...")
    shape = (1, *inputs[0])  # one example
    sizes = dict(zip(left, shape, strict=not has_more))
    sizes |= dict(zip(reversed(right), reversed(shape), strict=False))
    sizes |= dict(zip(kernel, layer.kernel.shape, strict=True))
    others = shape[len(left) : len(shape) - len(right)] if has_more else ()
    return math.prod(sizes.values()) * math.prod(others)


def _attention_inputs(layer: Any, arguments: Any) -> list[Any]:
    """Returns what came as query, value and key."""
    call = inspect.signature(layer.call).bind(*arguments.args, **arguments.kwargs)
    query, value = call.arguments["query"], call.arguments["value"]
    key = call.arguments.get("key")
    return [query, value, value if key is None else key]


def _attention(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    """Counts four projections and two products of matrices, for all heads."""
    config = layer.get_config()
    if len(inputs[0]) != 2 or config.get("use_gate"):
        raise UsageError(
            f"cannot count the operations of layer {layer.name!r}: MultiHeadAttention "
            f"with a gate or over several axes; it works on {inputs[0]}"
        )
    (length, query), (steps, value), (_, key) = inputs
    keys = config["num_heads"] * config["key_dim"]
    values = config["num_heads"] * (config["value_dim"] or config["key_dim"])
    projections = length * (query * keys + values * output[-1])
    projections += steps * (key * keys + value * values)
    return projections + length * steps * (keys + values)


def _recurrent(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    steps, channels = inputs[0]
    gates = _GATES[type(layer).__name__]
    return steps * gates * layer.units * (channels + layer.units)


def _bidirectional(layer: Any, inputs: Sequence[Shape], output: Shape) -> int:
    both = (layer.forward_layer, layer.backward_layer)
    return sum(_multiply_adds(one, inputs, output) for one in both)


# Class name of a Keras layer -> multiply-adds of a call: layer, shapes in, shape out.
_COUNTERS: dict[str, Callable[[Any, Sequence[Shape], Shape], int]] = {
    "Conv1D": _conv,
    "Conv2D": _conv,
    "Conv3D": _conv,
    "Conv1DTranspose": _conv_transpose,
    "Conv2DTranspose": _conv_transpose,
    "Conv3DTranspose": _conv_transpose,
    "DepthwiseConv1D": _depthwise_conv,
    "DepthwiseConv2D": _depthwise_conv,
    "SeparableConv1D": _separable_conv,
    "SeparableConv2D": _separable_conv,
    "Dense": _dense,
    "EinsumDense": _einsum_dense,
    "MultiHeadAttention": _attention,
    **dict.fromkeys(_GATES, _recurrent),
    "Bidirectional": _bidirectional,
}
