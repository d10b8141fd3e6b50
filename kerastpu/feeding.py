"""Batches by number as what `keras.Model.fit` takes on any backend."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from data_pipelines import augment as augmentation
from data_pipelines import order
from data_pipelines.augment import Augment
from data_pipelines.batches import Batch, TrainBatches
from kerastpu.features import StackedRows

Mix = Callable[[np.ndarray, np.ndarray, int], Batch]

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


class ArrayBatches(keras.utils.PyDataset):
    """Endless shuffled full batches of arrays; the order is that of (seed, epoch).

    The remainder is left out, so that every replica has the same share; it is another
    one in each epoch. `fit` needs `steps_per_epoch`, which may be any.

    Args:
        inputs: (N, ...), any dtype.
        labels: int (N,).
        batch_size: global batch, at most N.
        seed: of the order.
        start_step: the first batch.
        mix: called with (inputs, labels, step), returns what is trained on; None = the
            batch as it is.
    """

    num_batches = None  # endless: Keras goes on counting where an epoch ended

    def __init__(
        self,
        inputs: np.ndarray | StackedRows,
        labels: np.ndarray,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        mix: Mix | None = None,
    ):
        super().__init__()
        self.inputs, self.labels, self.mix = inputs, labels, mix
        self.batch_size, self.seed = batch_size, seed
        self.start_step = start_step
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        step = self.start_step + index
        epoch, number = divmod(step, len(self.labels) // self.batch_size)
        if self._order[0] != epoch:
            random = np.random.default_rng([self.seed, epoch])
            self._order = epoch, random.permutation(len(self.labels))
        start = number * self.batch_size
        chosen = self._order[1][start : start + self.batch_size]
        rows, labels = self.inputs[chosen], self.labels[chosen]
        return self.mix(rows, labels, step) if self.mix else (rows, labels)


def mixer(augment: Augment, num_classes: int, seed: int) -> Mix | None:
    """Returns what blends kept features in pairs; None where the policy does not mix.

    Mixup of what a layer makes, not of images, is manifold mixup (Verma et al., 2018,
    arXiv:1806.05236): float32 features, and labels float32 (batch, num_classes).
    """
    if not augment.is_mixing:
        return None

    def mix(rows: np.ndarray, labels: np.ndarray, step: int) -> Batch:
        rng = order.mixing_rng(seed, step * len(labels))
        rows = rows.astype(np.float32, copy=False)
        return augmentation.mix_batch(rows, labels, num_classes, augment, rng)

    return mix
