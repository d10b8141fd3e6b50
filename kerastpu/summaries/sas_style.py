"""Information and summary of a network as SAS's deep learning tables have them.

A layer in their sense is a row of `rows.fold`: an activation belongs to the layer that
it follows, dropout, `Flatten`, padding and the scaling of pixels are no layers. Their
count of parameters has weights and biases; BatchNorm has two biases for each channel,
its statistics are none. Their FLOPs are multiply-adds, without the output layer.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from kerastpu import text_table
from kerastpu.summaries import cells, kinds
from kerastpu.summaries.measures import ModelMeasures
from kerastpu.summaries.rows import Row, fold

OUTPUT, GROUPED = "output", "groupconvo"

# Always told, in this order; then those that the network has.
_KINDS = {
    "Input": (kinds.INPUT,),
    "Output": (OUTPUT,),
    "Convolutional": (kinds.CONV, GROUPED),
    "Pooling": (kinds.POOL,),
    "Fully Connected": (kinds.DENSE,),
    "Batch Normalization": (kinds.BATCH_NORM,),
    "Residual": (kinds.RESIDUAL,),
}
_RARE_KINDS = {
    "Concatenation": (kinds.CONCAT,),
    "Transposed Convolutional": (kinds.TRANSPOSED,),
    "Recurrent": (kinds.RECURRENT,),
    "Attention": (kinds.ATTENTION,),
    "Embedding": (kinds.EMBEDDING,),
    "Normalization": (kinds.NORM,),
    "Scale": (kinds.SCALE,),
    "Merging": (kinds.MERGE,),
    "Activation": (kinds.ACTIVATION,),
    "Reshape": (kinds.RESHAPE,),
    "Padding": (kinds.PADDING,),
    "Upsampling": (kinds.UPSAMPLING,),
    "Other": (kinds.OTHER, kinds.DROPOUT),
}
_ACTIVATIONS = {"linear": "Identity", "relu": "Rectifier", "sigmoid": "Logistic"}
_BIASES = ("bias", "beta", "gamma")
# What is measured of the data and not learned.
_STATISTICS = ("moving_mean", "moving_variance", "mean", "variance", "count")

_HEADER = (
    *("Layer Id", "Layer", "Type", "Kernel Size", "Stride", "Activation"),
    *("Output Size", "Number of Parameters"),
)


@dataclasses.dataclass(frozen=True)
class SasLayer:
    """A row of the summary.

    Attributes:
        layer_id: From 0.
        layer: Its name.
        type: Such as "convo".
        kernel_size: Of a window; inputs and outputs of a dense layer; else None.
        stride: Of a window, one number if it is the same in each direction; else None.
        activation: Such as "Rectifier"; of a pool what it does; None: it has none.
        output_size: Of what it makes, one number for a vector.
        num_weights: Its weights but biases.
        num_biases: Its biases; of BatchNorm, offset and scale.
    """

    layer_id: int
    layer: str
    type: str
    kernel_size: tuple[int | None, ...] | None
    stride: int | tuple[int, ...] | None
    activation: str | None
    output_size: int | tuple[int | None, ...] | None
    num_weights: int
    num_biases: int


@dataclasses.dataclass(frozen=True)
class SasSummary:
    """What SAS tells of a network.

    Attributes:
        information: What -> value, in its order.
        layers: The rows of the summary.
        num_multiply_adds: For one example, without the output layer; None: unknown.
    """

    information: dict[str, str | int]
    layers: tuple[SasLayer, ...]
    num_multiply_adds: int | None

    @property
    def num_parameters(self) -> int:
        """Weights and biases, as the rows count them."""
        return sum(layer.num_weights + layer.num_biases for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return {
            **dataclasses.asdict(self),
            "num_parameters": self.num_parameters,
        }


def summarize(measures: ModelMeasures) -> SasSummary:
    """Returns information and summary of a measured model."""
    rows = fold(measures.calls)
    layers = tuple(_layer(number, row) for number, row in enumerate(rows))
    flops = {
        id(call): layer.flops
        for call, layer in zip(measures.calls, measures.layers, strict=True)
    }
    return SasSummary(
        _information(measures.name, layers),
        layers,
        _multiply_adds(rows, flops),
    )


def text(measures: ModelMeasures) -> str:
    """Returns the two tables, and the totals."""
    summary = summarize(measures)
    information = [(what, str(value)) for what, value in summary.information.items()]
    return "\n".join(
        [
            *text_table.lines(("Descr", "Value"), information),
            "",
            *text_table.lines(_HEADER, [_texts(layer) for layer in summary.layers]),
            "",
            f"Total number of parameters: {summary.num_parameters:,}",
            f"Total FLOPs: {cells.number(summary.num_multiply_adds)} "
            "(multiply-adds, without the output layer)",
            *(f"note: {note}" for note in measures.notes),
        ]
    )


def _texts(layer: SasLayer) -> tuple[str, ...]:
    activation = "None" if layer.type == kinds.INPUT else layer.activation
    values = (layer.kernel_size, layer.stride, activation, layer.output_size)
    texts = ("" if value is None else str(value) for value in values)
    pair = str((layer.num_weights, layer.num_biases))
    return (str(layer.layer_id), layer.layer, layer.type, *texts, pair)


def _information(name: str, layers: Sequence[SasLayer]) -> dict[str, str | int]:
    counts = Counter(layer.type for layer in layers)
    kind = "Deep"
    if counts[kinds.CONV] + counts[GROUPED] + counts[kinds.TRANSPOSED]:
        kind = "Convolutional"
    if counts[kinds.RECURRENT]:
        kind = "Recurrent"
    found: dict[str, str | int] = {
        "Model Name": name,
        "Model Type": f"{kind} Neural Network",
        "Number of Layers": len(layers),
    }
    for words in (_KINDS, _RARE_KINDS):
        for word, types in words.items():
            count = sum(counts[one] for one in types)
            if count or words is _KINDS:
                found[f"Number of {word} Layers"] = count
    return found


def _layer(number: int, row: Row) -> SasLayer:
    weights, biases = _parameters(row)
    return SasLayer(
        layer_id=number,
        layer=row.call.name,
        type=_type(row),
        kernel_size=_kernel_size(row),
        stride=_stride(row),
        activation=_activation(row),
        output_size=_output_size(row),
        num_weights=weights,
        num_biases=biases,
    )


def _type(row: Row) -> str:
    """The row that the model's output comes from is the output layer."""
    if row.is_output:
        return OUTPUT
    is_depthwise = row.call.kind.startswith("Depthwise")
    if row.kind == kinds.CONV and (
        is_depthwise or getattr(row.call.layer, "groups", 1) > 1
    ):
        return GROUPED
    return row.kind


def _kernel_size(row: Row) -> tuple[int | None, ...] | None:
    layer: Any = row.call.layer
    shape = row.call.input_shapes[0] if row.call.input_shapes else ()
    if row.kind == kinds.DENSE and row.call.kind == "Dense":
        return (shape[-1], layer.units)
    if row.kind == kinds.POOL and "Global" in row.call.kind:
        return shape[:-1]
    return getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)


def _stride(row: Row) -> int | tuple[int, ...] | None:
    if row.kind == kinds.POOL and "Global" in row.call.kind:
        return 1
    strides = getattr(row.call.layer, "strides", None)
    if strides is None or isinstance(strides, int):
        return strides
    return strides[0] if len(set(strides)) == 1 else tuple(strides)


def _activation(row: Row) -> str | None:
    if row.kind == kinds.POOL:
        return "Max" if "Max" in row.call.kind else "Mean"
    if row.kind in (kinds.INPUT, kinds.RESHAPE, kinds.PADDING, kinds.UPSAMPLING):
        return None
    return _ACTIVATIONS.get(row.activation, row.activation.title())


def _output_size(row: Row) -> int | tuple[int | None, ...] | None:
    shape = row.call.output_shapes[0]
    if row.kind == kinds.POOL and "Global" in row.call.kind:
        return (*(1 for _ in row.call.input_shapes[0][:-1]), shape[-1])
    return shape[0] if len(shape) == 1 else shape


def _parameters(row: Row) -> tuple[int, int]:
    """Returns how many weights and biases a row has; statistics do not count."""
    weights = biases = 0
    for call in row.calls:
        for variable in call.weights:
            if variable.name in _STATISTICS:
                continue
            count = math.prod(variable.shape)
            if variable.name in _BIASES:
                biases += count
            else:
                weights += count
    return weights, biases


def _multiply_adds(rows: Sequence[Row], flops: dict[int, int | None]) -> int | None:
    counts = [
        flops[id(call)] for row in rows if not row.is_output for call in row.calls
    ]
    known = [count for count in counts if count is not None]
    return sum(known) // 2 if len(known) == len(counts) else None
