"""Batches for a range test: any form that `fit` takes, over and over."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from kerastpu.errors import KerastpuError, UsageError


class _Repeated(keras.utils.PyDataset):
    """Batches by number, over and over; Keras may ask for the first ones again.

    Args:
        batches: read once and kept, unless they can be asked for by number.
    """

    num_batches = None  # endless

    def __init__(self, batches: Iterable):
        super().__init__()
        is_numbered = isinstance(batches, Sequence | keras.utils.PyDataset)
        self.kept: Any = batches if is_numbered else []
        self.rest = iter(()) if is_numbered else iter(batches)

    def __getitem__(self, index: int) -> tuple:
        while len(self.kept) <= index:
            batch = next(self.rest, None)
            if batch is None:
                break
            self.kept.append(batch)
        return self.kept[index % len(self.kept)]


def endless(batches: Iterable) -> tuple[Any, tuple]:
    """Returns batches that `fit` can take for ever, and the first of them.

    Args:
        batches: of (inputs, labels) or (inputs, labels, weights): a tf.data.Dataset, a
            PyDataset, or anything that can be iterated.

    Raises:
        UsageError: they are no such batches.
        KerastpuError: there are none.
    """
    if not isinstance(batches, Iterable | keras.utils.PyDataset):
        raise UsageError(f"batches must be an iterable of batches; got {batches!r}")
    if hasattr(batches, "shape"):
        raise UsageError(_FORM.format(f"batches are {_describe(batches)}"))
    is_dataset = hasattr(batches, "repeat")  # a tf.data.Dataset
    is_endless = isinstance(batches, keras.utils.PyDataset) and (
        batches.num_batches is None
    )
    data: Any = batches if is_dataset or is_endless else _Repeated(batches)
    try:
        first = next(iter(data)) if is_dataset else data[0]
    except (StopIteration, ZeroDivisionError):
        raise KerastpuError("batches hold no batch") from None
    if not isinstance(first, tuple | list) or len(first) not in (2, 3):
        raise UsageError(_FORM.format(f"the first is {_describe(first)}"))
    return data.repeat() if is_dataset else data, tuple(first)


_FORM = (
    "batches must be of (inputs, labels) or (inputs, labels, weights), such as "
    "[(inputs, labels)]; {}"
)


def _describe(value: Any) -> str:
    kind = type(value).__name__
    if hasattr(value, "shape"):
        return f"{kind} of shape {tuple(value.shape)}"
    return f"{kind} of {len(value)}" if hasattr(value, "__len__") else kind
