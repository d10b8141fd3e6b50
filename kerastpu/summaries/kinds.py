"""What the classes of Keras's layers and operations are to a table of a network."""

from __future__ import annotations

from kerastpu.summaries.calls import Call

# What a row is about. The words are those of SAS's tables where it has one.
INPUT, CONV, TRANSPOSED, POOL, DENSE = "input", "convo", "transconvo", "pool", "fc"
BATCH_NORM, NORM, RESIDUAL, CONCAT = "batchnorm", "norm", "residual", "concat"
SCALE, MERGE, RECURRENT, ATTENTION = "scale", "merge", "recurrent", "attention"
EMBEDDING, ACTIVATION, RESHAPE = "embedding", "activation", "reshape"
PADDING, UPSAMPLING, DROPOUT, OTHER = "padding", "upsample", "dropout", "other"

_AXES = ("1D", "2D", "3D")


def _each(*names: str) -> tuple[str, ...]:
    return tuple(f"{name.format(axes)}" for name in names for axes in _AXES)


_CLASSES: dict[str, tuple[str, ...]] = {
    INPUT: ("InputLayer",),
    CONV: _each("Conv{}", "DepthwiseConv{}", "SeparableConv{}"),
    TRANSPOSED: _each("Conv{}Transpose"),
    POOL: _each(
        *("MaxPooling{}", "AveragePooling{}"),
        *("GlobalMaxPooling{}", "GlobalAveragePooling{}"),
        *("AdaptiveMaxPooling{}", "AdaptiveAveragePooling{}"),
    ),
    DENSE: ("Dense", "EinsumDense"),
    BATCH_NORM: ("BatchNormalization",),
    NORM: (
        *("GroupNormalization", "LayerNormalization", "RMSNormalization"),
        "UnitNormalization",
    ),
    RESIDUAL: ("Add",),
    CONCAT: ("Concatenate",),
    SCALE: (
        *("Divide", "LayerScale", "Multiply", "Normalization", "Rescaling"),
        "TrueDivide",
    ),
    MERGE: ("Average", "Dot", "Maximum", "Minimum", "Subtract"),
    RECURRENT: (
        *("Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN"),
        *_each("ConvLSTM{}"),
    ),
    ATTENTION: (
        *("AdditiveAttention", "Attention", "MultiHeadAttention"),
        "GroupedQueryAttention",
    ),
    EMBEDDING: ("Embedding",),
    ACTIVATION: (
        *("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"),
        *("Elu", "Gelu", "HardSigmoid", "HardSilu", "LeakyRelu", "Relu", "Relu6"),
        *("Sigmoid", "Silu", "Softplus", "Tanh"),
    ),
    RESHAPE: (
        *("Flatten", "Permute", "RepeatVector", "Reshape", "Squeeze", "Transpose"),
        *_each("Cropping{}"),
        "ExpandDims",
    ),
    PADDING: (*_each("ZeroPadding{}"), "Pad"),
    UPSAMPLING: _each("UpSampling{}"),
    DROPOUT: (
        *("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout"),
        *("GaussianNoise", "StochasticDepth"),
        *_each("SpatialDropout{}"),
    ),
}
_KINDS = {name: kind for kind, names in _CLASSES.items() for name in names}


def of(call: Call) -> str:
    """Returns one of the words above; what is not Keras's own is `OTHER`."""
    kind = _KINDS.get(call.kind, OTHER) if call.is_stock else OTHER
    if kind in (RESIDUAL, MERGE) and len(call.sources) < 2:
        return SCALE  # with a constant
    is_random = call.is_stock and call.kind.startswith("Random")
    if is_random and call.input_shapes == call.output_shapes:
        return DROPOUT  # augmentation: in training only, as well
    return kind


def changes_nothing(call: Call) -> bool:
    """Whether, but for training and for the type of its numbers, nothing happens."""
    kind = of(call)
    if kind == DROPOUT or (call.is_stock and call.kind in ("Identity", "Masking")):
        return True
    if kind == ACTIVATION:
        return activation(call) == "linear"
    return kind == RESHAPE and _only_lone_axes_differ(call)


def _only_lone_axes_differ(call: Call) -> bool:
    """Whether axes of one position come or go: (1, 1, 64) and (64,) are the same."""
    before, after = (
        [size for size in shapes[0] if size != 1]
        for shapes in (call.input_shapes, call.output_shapes)
    )
    return before == after


def activation(call: Call) -> str:
    """Returns the name of the function that ends the call, "linear" without one."""
    kind = of(call)
    if kind != ACTIVATION:
        function = getattr(call.layer, "activation", None) or "linear"
    elif call.kind == "ReLU" and call.layer.max_value is not None:
        return f"relu{call.layer.max_value:g}"
    else:
        function = getattr(call.layer, "activation", None) or call.kind.lower()
    if isinstance(function, str):
        return function
    return getattr(function, "__name__", type(function).__name__)
