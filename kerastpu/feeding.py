"""Batches by number as what `keras.Model.fit` takes on any backend."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

import keras

from data_pipelines.batches import Batch, TrainBatches

_THREADS = os.cpu_count() or 1
_AHEAD = _THREADS + 2  # batches in the making or ready


class StepBatches(keras.utils.PyDataset):
    """Endless training batches for a backend other than TensorFlow, made by threads.

    They come in the order of their numbers, over all epochs, as those of `make_train`
    do. `fit` needs `steps_per_epoch`.

    Args:
        batches: what makes them.
        start_step: the first batch.
    """

    num_batches = None  # endless: Keras goes on counting where an epoch ended

    def __init__(self, batches: TrainBatches, start_step: int = 0):
        # No queue of Keras's own, which workers would mean: on JAX it loses the batch
        # that the metrics are built with, and it keeps what an epoch left over.
        super().__init__(workers=1)
        self.batches, self.start_step = batches, start_step
        self._pool = ThreadPoolExecutor(_THREADS)
        self._made: dict[int, Future[Batch]] = {}

    def __getitem__(self, index: int) -> Batch:
        made, self._made = self._made, {}
        for number in range(index, index + _AHEAD):
            self._made[number] = made.get(number) or self._pool.submit(
                self.batches.__getitem__, self.start_step + number
            )
        return self._made.pop(index).result()
