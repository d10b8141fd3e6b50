"""How much memory a network takes, counted from its shapes.

Counted are weights, and what calls of layers make: each output once, as if no layer
worked in place. In inference an output is kept until the last layer that takes it has
run, in the order of `read_calls`; in training all are kept for the way back, with a
gradient for each trainable weight and what the optimizer keeps of it. An engine needs
more: work space of convolutions, copies, itself.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence

from kerastpu.errors import UsageError
from kerastpu.summaries.calls import Call, Shape

ADAM_SLOTS = 2  # running means of the gradient and of its square


@dataclasses.dataclass(frozen=True)
class Memory:
    """Bytes, for one batch.

    Attributes:
        batch_size: Images, or rows, in the batch.
        weights: All of them, BatchNorm statistics included.
        trainable: Those that training changes.
        inference_activations: The most that is kept at a time; None: a size is unknown.
        training_activations: All outputs together; likewise.
        optimizer_slots: Numbers that the optimizer keeps for each trainable weight.
    """

    batch_size: int
    weights: int
    trainable: int
    inference_activations: int | None
    training_activations: int | None
    optimizer_slots: int = ADAM_SLOTS

    @property
    def inference(self) -> int | None:
        """Weights and activations."""
        activations = self.inference_activations
        return None if activations is None else self.weights + activations

    @property
    def training(self) -> int | None:
        """Weights, activations, gradients of the weights, and the optimizer's slots."""
        activations = self.training_activations
        if activations is None:
            return None
        changed = (1 + self.optimizer_slots) * self.trainable
        return self.weights + changed + activations


def measure(calls: Sequence[Call], batch_size: int = 1) -> Memory:
    """Counts the memory of a model.

    Args:
        calls: Of `read_calls`.
        batch_size: Images, or rows, that are computed together; at least 1.

    Raises:
        UsageError: `batch_size` is no whole number of at least 1.
    """
    if type(batch_size) is not int or batch_size < 1:
        raise UsageError(
            f"batch_size must be a whole number of at least 1; got {batch_size!r}"
        )
    variables = [variable for call in calls for variable in call.weights]
    sizes = {id(v): array_bytes(tuple(v.shape), str(v.dtype)) or 0 for v in variables}
    trainable = {id(v) for v in variables if v.trainable}
    outputs = [output_bytes(call, batch_size) for call in calls]
    known = [size for size in outputs if size is not None]
    is_known = len(known) == len(outputs)
    return Memory(
        batch_size,
        weights=sum(sizes.values()),
        trainable=sum(sizes[one] for one in trainable),
        inference_activations=_peak(calls, known) if is_known else None,
        training_activations=sum(known) if is_known else None,
    )


def output_bytes(call: Call, batch_size: int = 1) -> int | None:
    """Returns the bytes of all that a call makes; None where a size is not known."""
    total = 0
    for shape, dtype in zip(call.output_shapes, call.output_dtypes, strict=True):
        size = array_bytes((batch_size, *shape), dtype)
        if size is None:
            return None
        total += size
    return total


def array_bytes(shape: Shape, dtype: str) -> int | None:
    """Returns the bytes of an array, such as 24 of (2, 3) in "float32".

    None where a size is not known, or the numbers have none, as strings.
    """
    bits = 8 if dtype == "bool" else int((re.findall(r"\d+", dtype) or ["0"])[0])
    sizes = [size for size in shape if size is not None]
    if not bits or len(sizes) < len(shape):
        return None
    return math.ceil(math.prod(sizes) * bits / 8)


def _peak(calls: Sequence[Call], sizes: Sequence[int]) -> int:
    """Returns the most bytes of outputs that are needed at a time."""
    last = {
        source: place for place, call in enumerate(calls) for source in call.sources
    }
    freed: dict[int, list[int]] = {}
    for place, call in enumerate(calls):
        if not call.is_output:
            freed.setdefault(last.get(place, place), []).append(place)
    held = most = 0
    for place, size in enumerate(sizes):
        held += size
        most = max(most, held)
        held -= sum(sizes[other] for other in freed.get(place, ()))
    return most
