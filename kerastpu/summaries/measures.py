"""What a network is and costs, layer by layer and in all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerastpu import cost
from kerastpu.errors import UsageError
from kerastpu.summaries import memory, receptive_field
from kerastpu.summaries.calls import Call, Shape, read_calls
from kerastpu.summaries.memory import Memory
from kerastpu.summaries.receptive_field import Field

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class LayerMeasures:
    """One call of a layer.

    Attributes:
        name: Of the layer.
        kind: Its class.
        inputs: Names of the layers whose outputs it takes.
        output_shapes: Without the batch.
        num_parameters: All of its weights, once for a layer that is called twice.
        num_trainable: Those that training changes.
        flops: Operations for one example, see `kerastpu.cost`; None: cannot be counted.
        field: Receptive field of one position of its output.
        output_bytes: Of its outputs for a whole batch; None: a size is not known.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_shapes: tuple[Shape, ...]
    num_parameters: int
    num_trainable: int
    flops: int | None
    field: Field
    output_bytes: int | None


@dataclasses.dataclass(frozen=True)
class ModelMeasures:
    """A network.

    Attributes:
        name: Of the model.
        calls: What it is made of.
        layers: A row for each of them.
        memory: Bytes for one batch.
        notes: Why some figure is missing, one line each.
    """

    name: str
    calls: tuple[Call, ...]
    layers: tuple[LayerMeasures, ...]
    memory: Memory
    notes: tuple[str, ...] = ()

    @property
    def num_parameters(self) -> int:
        """All weights, BatchNorm statistics included."""
        return sum(layer.num_parameters for layer in self.layers)

    @property
    def num_trainable(self) -> int:
        """Weights that training changes."""
        return sum(layer.num_trainable for layer in self.layers)

    @property
    def flops(self) -> int | None:
        """Operations for one example; None where some layer cannot be counted."""
        counts = [layer.flops for layer in self.layers if layer.flops is not None]
        return sum(counts) if len(counts) == len(self.layers) else None

    def to_dict(self) -> dict[str, Any]:
        """Returns totals and layers, ready for `json`."""
        sizes = dataclasses.asdict(self.memory)
        sizes |= {
            "inference": self.memory.inference,
            "training": self.memory.training,
        }
        return {
            "name": self.name,
            "num_parameters": self.num_parameters,
            "num_trainable": self.num_trainable,
            "flops": self.flops,
            "memory_bytes": sizes,
            "notes": list(self.notes),
            "layers": [dataclasses.asdict(layer) for layer in self.layers],
        }


def measure(model: keras.Model, batch_size: int = 1) -> ModelMeasures:
    """Measures a model; it is not run.

    Args:
        model: Functional or Sequential, built.
        batch_size: For the memory: examples that are computed together.

    Raises:
        UsageError: the model has no graph, or `batch_size` is below 1.
    """
    calls = read_calls(model)
    needed = memory.measure(calls, batch_size)
    notes: list[str] = []
    layers = [
        _measure_layer(call, calls, field, batch_size, notes)
        for call, field in zip(calls, receptive_field.of_calls(calls), strict=True)
    ]
    return ModelMeasures(model.name, calls, tuple(layers), needed, tuple(notes))


def _measure_layer(
    call: Call, calls: Sequence[Call], field: Field, batch_size: int, notes: list[str]
) -> LayerMeasures:
    flops = None
    try:
        flops = cost.count_flops_of_call(call.node)
    except UsageError as error:
        notes.append(str(error))
    return LayerMeasures(
        name=call.name,
        kind=call.kind,
        inputs=tuple(calls[source].name for source in call.sources),
        output_shapes=call.output_shapes,
        num_parameters=sum(_count(weight) for weight in call.weights),
        num_trainable=sum(_count(w) for w in call.weights if w.trainable),
        flops=flops,
        field=field,
        output_bytes=memory.output_bytes(call, batch_size),
    )


def _count(variable: keras.Variable) -> int:
    return math.prod(variable.shape)
