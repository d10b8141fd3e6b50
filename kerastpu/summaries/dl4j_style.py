"""The table of a graph as Deeplearning4j prints it.

Its layers are called as there where it has them. What changes nothing and what scales
the pixels at the input have no rows. Shapes of weights are in its order: outputs
before inputs before height and width; it counts BatchNorm statistics as parameters,
and as frozen what is in layers that do not train.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from kerastpu import text_table
from kerastpu.summaries import kinds
from kerastpu.summaries.calls import Call
from kerastpu.summaries.measures import ModelMeasures
from kerastpu.summaries.rows import fold

_TYPES = {
    kinds.INPUT: "InputVertex",
    kinds.CONV: "ConvolutionLayer",
    kinds.TRANSPOSED: "Deconvolution2D",
    kinds.POOL: "SubsamplingLayer",
    kinds.DENSE: "DenseLayer",
    kinds.BATCH_NORM: "BatchNormalization",
    kinds.NORM: "LayerNormalization",
    kinds.RESIDUAL: "ElementWiseVertex",
    kinds.CONCAT: "MergeVertex",
    kinds.MERGE: "ElementWiseVertex",
    kinds.ATTENTION: "AttentionVertex",
    kinds.EMBEDDING: "EmbeddingSequenceLayer",
    kinds.ACTIVATION: "ActivationLayer",
    kinds.RESHAPE: "PreprocessorVertex",
    kinds.PADDING: "ZeroPaddingLayer",
    kinds.UPSAMPLING: "Upsampling2D",
}
# Vertices of its graphs that are no layers have no parameters, not 0 of them.
_VERTICES = ("InputVertex", "PreprocessorVertex", "ElementWiseVertex", "MergeVertex")
_SHORT_NAMES = {
    "bias": "b",
    "kernel": "W",
    "depthwise_kernel": "W",
    "pointwise_kernel": "pW",
    "recurrent_kernel": "RW",
    "moving_mean": "mean",
    "moving_variance": "var",
}
_HEADER = ("VertexName (VertexType)", "nIn,nOut", "TotalParams", "ParamsShape")
_INPUTS = "Vertex Inputs"


@dataclasses.dataclass(frozen=True)
class Vertex:
    """A row of the table.

    Attributes:
        name: Of the layer.
        type: Such as "ConvolutionLayer".
        num_inputs: Channels, or features, of what it takes; None without weights.
        num_outputs: Of what it makes.
        num_parameters: BatchNorm statistics included; None: it is no layer.
        parameters: Name -> shape, in the order of Deeplearning4j.
        inputs: Names of the rows whose outputs it takes.
        is_frozen: Whether training leaves it as it is.
    """

    name: str
    type: str
    num_inputs: int | None
    num_outputs: int | None
    num_parameters: int | None
    parameters: dict[str, tuple[int, ...]]
    inputs: tuple[str, ...]
    is_frozen: bool


@dataclasses.dataclass(frozen=True)
class Dl4jSummary:
    """The table, and its totals."""

    vertices: tuple[Vertex, ...]

    @property
    def num_parameters(self) -> int:
        """All parameters."""
        return sum(vertex.num_parameters or 0 for vertex in self.vertices)

    @property
    def num_frozen(self) -> int:
        """Parameters of layers that do not train."""
        frozen = (vertex for vertex in self.vertices if vertex.is_frozen)
        return sum(vertex.num_parameters or 0 for vertex in frozen)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return {
            "vertices": [dataclasses.asdict(vertex) for vertex in self.vertices],
            "num_parameters": self.num_parameters,
            "num_trainable": self.num_parameters - self.num_frozen,
            "num_frozen": self.num_frozen,
        }


def summarize(measures: ModelMeasures) -> Dl4jSummary:
    """Returns the vertices of a measured model."""
    rows = fold(measures.calls, activations=False, padding=False)
    return Dl4jSummary(
        tuple(
            _vertex(row.call, [rows[source].call.name for source in row.sources])
            for row in rows
        )
    )


def text(measures: ModelMeasures) -> str:
    """Returns the table between its rules, and the totals."""
    summary = summarize(measures)
    rows = [_texts(vertex) for vertex in summary.vertices]
    header, _, *lines = text_table.lines((*_HEADER, _INPUTS), rows)
    rule = "=" * max(map(len, (header, *lines)))
    return "\n".join(
        [
            *(rule, header, rule, *lines, "-" * len(rule)),
            f"Total Parameters: {summary.num_parameters}",
            f"Trainable Parameters: {summary.num_parameters - summary.num_frozen}",
            f"Frozen Parameters: {summary.num_frozen}",
            rule,
        ]
    )


def _texts(vertex: Vertex) -> tuple[str, ...]:
    shapes = ", ".join(
        f"{name}:{{{','.join(map(str, shape))}}}"
        for name, shape in vertex.parameters.items()
    )
    inputs = f"[{', '.join(vertex.inputs)}]" if vertex.inputs else "-"
    ends = ("-" if n is None else str(n) for n in _ends(vertex))
    count = "-" if vertex.num_parameters is None else str(vertex.num_parameters)
    return (
        f"{vertex.name} ({vertex.type})",
        ",".join(ends),
        count,
        shapes or "-",
        inputs,
    )


def _ends(vertex: Vertex) -> tuple[int | None, int | None]:
    return vertex.num_inputs, vertex.num_outputs


def _vertex(call: Call, inputs: Sequence[str]) -> Vertex:
    type_ = _type(call)
    has_weights = bool(call.weights)
    is_layer = has_weights or type_ not in _VERTICES
    return Vertex(
        name=call.name,
        type=type_,
        num_inputs=call.input_shapes[0][-1] if has_weights else None,
        num_outputs=call.output_shapes[0][-1] if has_weights else None,
        num_parameters=sum(math.prod(w.shape) for w in call.weights)
        if is_layer
        else None,
        parameters=_parameters(call),
        inputs=tuple(inputs),
        is_frozen=not getattr(call.layer, "trainable", True),
    )


def _type(call: Call) -> str:
    kind = kinds.of(call)
    if "Global" in call.kind and kind == kinds.POOL:
        return "GlobalPoolingLayer"
    for word in ("Depthwise", "Separable"):
        if call.kind.startswith(word) and kind == kinds.CONV:
            return f"{word}Convolution2D"
    return _TYPES.get(kind, call.kind)


def _parameters(call: Call) -> dict[str, tuple[int, ...]]:
    """Returns name -> shape, biases first."""
    found: dict[str, tuple[int, ...]] = {}
    for variable in call.weights:
        name = _SHORT_NAMES.get(variable.name, variable.name)
        while name in found:  # the two directions of a layer, say
            name += "'"
        found[name] = _shape(tuple(variable.shape), kinds.of(call))
    return dict(sorted(found.items(), key=lambda item: item[0].rstrip("'") != "b"))


def _shape(shape: tuple[int, ...], kind: str) -> tuple[int, ...]:
    """Returns a shape in the order of Deeplearning4j; vectors are rows."""
    if len(shape) == 1:
        return (1, *shape)
    if kind in (kinds.CONV, kinds.TRANSPOSED):
        return (*reversed(shape[-2:]), *shape[:-2])
    return shape
