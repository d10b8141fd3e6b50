"""Batches by number as what `keras.Model.fit` takes on any backend."""

import os

import keras

from data_pipelines.batches import Batch, TrainBatches


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
        super().__init__(workers=os.cpu_count() or 1)
        self.batches, self.start_step = batches, start_step

    def __getitem__(self, index: int) -> Batch:
        return self.batches[self.start_step + index]
