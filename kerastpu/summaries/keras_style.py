"""The table that Keras prints, with columns for cost, receptive field and memory."""

from __future__ import annotations

from collections.abc import Iterator

from kerastpu import data_text, text_table
from kerastpu.summaries import cells
from kerastpu.summaries.measures import LayerMeasures, ModelMeasures

_HEADER = (
    *("Layer (type)", "Output shape", "Param #", "Connected to", "FLOPs"),
    *("RF size", "RF stride", "RF offset", "Output bytes"),
)
_RIGHT = ("Param #", "FLOPs", "RF size", "RF stride", "RF offset", "Output bytes")


def text(measures: ModelMeasures) -> str:
    """Returns a row for each layer, then the totals."""
    rows = [_row(layer) for layer in measures.layers]
    lines = [
        f'Model: "{measures.name}"',
        "",
        *text_table.lines(_HEADER, rows, _RIGHT),
        "",
        *_totals(measures),
        *(f"note: {note}" for note in measures.notes),
    ]
    return "\n".join(lines)


def _row(layer: LayerMeasures) -> tuple[str, ...]:
    return (
        f"{layer.name} ({layer.kind})",
        ", ".join(map(cells.sizes, layer.output_shapes)),
        cells.number(layer.num_parameters),
        ", ".join(layer.inputs) or "-",
        cells.number(layer.flops),
        *cells.field(layer.field),
        cells.number(layer.output_bytes),
    )


def _totals(measures: ModelMeasures) -> Iterator[str]:
    total, trainable = measures.num_parameters, measures.num_trainable
    memory = measures.memory
    weights = data_text.num_bytes(memory.weights)
    yield f"Total params: {total:,} ({weights})"
    yield f"Trainable params: {trainable:,}"
    yield f"Non-trainable params: {total - trainable:,}"
    if measures.flops is None:
        yield "FLOPs: not known, see the notes"
    else:
        yield (
            f"FLOPs: {measures.flops:,} for one example, "
            f"which is {measures.flops // 2:,} multiply-adds"
        )
    if memory.inference is None or memory.training is None:
        yield "Memory: not known, for it depends on the size of the input"
        return
    batch = f"batch {memory.batch_size:,}"
    yield (
        f"Memory, inference, {batch}: {data_text.num_bytes(memory.inference)} "
        "(weights and the most outputs that are needed at a time)"
    )
    yield (
        f"Memory, training, {batch}: {data_text.num_bytes(memory.training)} "
        "(weights, gradients, Adam's two numbers for each, all outputs)"
    )
