"""Images through a network in chunks that fit the processor's cache, side by side."""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.errors import DataError
from kerastpu.progress import Update

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 32  # a good size for the batches that `extract` is given

_MAX_CHUNK = 1024


@dataclass(frozen=True)
class Runner:
    """A network that is ready to compute, in inference mode.

    Attributes:
        call: (n, *input_shape) of `dtype` -> float32 (n, *output_shape), from any
            thread.
        input_shape: Of one example.
        output_shape: Of one example.
        dtype: Of the inputs.
        chunk_bytes: How much input it computes best at a time, counted as float32.
        workers: How many chunks it computes best side by side.
    """

    call: Callable[[np.ndarray], np.ndarray]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    dtype: str
    chunk_bytes: int
    workers: int

    def chunk_size(self, num_rows: int) -> int:
        """Cuts batches of `num_rows` into equal chunks: little has to be padded."""
        row_bytes = 4 * math.prod(self.input_shape)
        most = min(_MAX_CHUNK, max(1, self.chunk_bytes // row_bytes))
        return math.ceil(num_rows / math.ceil(num_rows / most))


def extract(
    model: keras.Model,
    batches: Iterable[tuple[Any, Any]],
    *,
    num_examples: int,
    progress: Update | None = None,
    runner: Runner | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Runs `model` in inference mode over all batches, in their order.

    Args:
        model: One input, one output (batch, ...).
        batches: Pairs of inputs (B, ...), uint8 images 0..255 say, and labels (B,); B
            may differ from batch to batch, the dtype not. A tf.data.Dataset, a
            generator, a list.
        num_examples: How many examples all batches hold, N.
        progress: Told (examples done, N) as work goes on.
        runner: What computes in the place of `model`; None = Keras.

    Returns:
        float32 (N, ...) outputs and int32 (N,) labels.

    Raises:
        DataError: inputs of another shape than the network takes, another number of
            labels than inputs, or not `num_examples` examples.
    """
    from kerastpu.features import keras_engine

    outputs = np.empty((num_examples, *model.output_shape[1:]), np.float32)
    labels = np.empty(num_examples, np.int32)
    done = 0

    def inputs() -> Iterator[np.ndarray]:
        start = 0
        for batch, batch_labels in batches:
            stop = start + len(batch)
            if stop > num_examples or len(batch_labels) != len(batch):
                raise DataError(
                    f"expected {num_examples} examples; a batch of {len(batch)} images "
                    f"with {len(batch_labels)} labels came after {start}"
                )
            labels[start:stop] = batch_labels
            start = stop
            yield np.asarray(batch)

    arrays = inputs()
    first = next(arrays, None)
    if first is not None:
        runner = runner or keras_engine.start(model, first.dtype.name)
        size = runner.chunk_size(len(first))
        for chunk in stream(runner, itertools.chain([first], arrays), size):
            outputs[done : done + len(chunk)] = chunk
            done += len(chunk)
            if progress:
                progress(done, num_examples)
    if done != num_examples:
        raise DataError(f"expected {num_examples} examples; the batches held {done}")
    return outputs, labels


def stream(
    runner: Runner, arrays: Iterable[np.ndarray], size: int
) -> Iterator[np.ndarray]:
    """Yields outputs chunk by chunk, in order, while later chunks are computed.

    Args:
        runner: What computes.
        arrays: Inputs, each (B, *input_shape) of the runner's dtype.
        size: Examples in a chunk; the last one of an array may be smaller. Chunks do
            not span arrays, so a row depends on its array and `size` alone.

    Raises:
        DataError: inputs of another shape or dtype.
    """
    pending: collections.deque[Future[np.ndarray]] = collections.deque()

    def call(chunk: np.ndarray) -> np.ndarray:
        return runner.call(_padded(chunk, size))[: len(chunk)]

    with ThreadPoolExecutor(runner.workers) as pool:
        for array in arrays:
            _check(runner, array)
            for start in range(0, len(array), size):
                pending.append(pool.submit(call, array[start : start + size]))
                if len(pending) > 2 * runner.workers:
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _check(runner: Runner, array: np.ndarray) -> None:
    if array.shape[1:] != runner.input_shape:
        raise DataError(
            f"the model takes inputs of shape {runner.input_shape}; "
            f"got {array.shape[1:]}"
        )
    if array.dtype.name != runner.dtype:
        raise DataError(f"expected inputs of {runner.dtype}; got {array.dtype.name}")


def _padded(chunk: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last example up to `size`: XLA compiles anew for each shape."""
    missing = size - len(chunk)
    return np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])
