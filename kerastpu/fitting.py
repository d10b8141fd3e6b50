"""One `fit`: loss, metrics, callbacks and batches, for a head or a whole network."""

import logging
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerastpu import evaluation, features, optimizers, schedules
from kerastpu.config import Config
from kerastpu.errors import KerastpuError
from kerastpu.progress import Update
from kerastpu.runs import METRICS
from kerastpu.strategy import Accelerator

LOG = logging.getLogger("kerastpu")
PATIENCE = 10  # epochs without a lower validation loss before training ends


class ArrayBatches(keras.utils.PyDataset):
    """Shuffled full batches of arrays; the order is a function of (seed, epoch).

    The remainder is left out, so that every replica has the same share; it is another
    one in each epoch.

    Args:
        inputs: (N, ...), any dtype.
        labels: int (N,).
        batch_size: global batch, at most N.
        seed: of the order.
    """

    def __init__(
        self, inputs: np.ndarray, labels: np.ndarray, batch_size: int, seed: int
    ):
        super().__init__()
        self.inputs, self.labels = inputs, labels
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self._shuffle()

    def _shuffle(self) -> None:
        random = np.random.default_rng([self.seed, self.epoch])
        self.order = random.permutation(len(self.labels))

    def __len__(self) -> int:
        return len(self.labels) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.inputs[chosen], self.labels[chosen]

    def on_epoch_end(self) -> None:
        """Draws the next epoch's order."""
        self.epoch += 1
        self._shuffle()


class Validation(keras.callbacks.Callback):
    """Scores the validation split after each epoch, every example exactly once.

    Adds val_loss (nats), val_accuracy (0..1), learning_rate (of the epoch's last step)
    and seconds (since the start) to the logs that later callbacks read.
    """

    def __init__(
        self,
        model: keras.Model,
        batches: Iterable,
        num_examples: int,
        class_names: tuple[str, ...],
    ):
        super().__init__()
        self.network, self.batches = model, batches
        self.num_examples, self.class_names = num_examples, class_names
        self.learning_rate: schedules.LearningRateFunction = lambda step: math.nan
        self.start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the scores to `logs`, in place."""
        logs = {} if logs is None else logs
        probabilities, labels = features.extract(
            self.network, self.batches, num_examples=self.num_examples
        )
        scores = evaluation.evaluate(probabilities, labels, self.class_names)
        logs["val_loss"], logs["val_accuracy"] = scores.loss, scores.accuracy
        steps = keras.ops.convert_to_numpy(self.model.optimizer.iterations)
        logs["learning_rate"] = self.learning_rate(int(steps) - 1)
        logs["seconds"] = time.monotonic() - self.start


class StepProgress(keras.callbacks.Callback):
    """Reports optimizer steps done of those of the whole run."""

    def __init__(self, update: Update, total_steps: int):
        super().__init__()
        self.update, self.total_steps, self.done = update, total_steps, 0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts one step."""
        self.done += 1
        self.update(self.done, self.total_steps)


class StopOnNaN(keras.callbacks.Callback):
    """Ends training with advice when the loss is not a finite number."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks the epoch's mean loss.

        Raises:
            KerastpuError: it is NaN or infinite.
        """
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            raise KerastpuError(
                f"the loss is not finite after epoch {epoch + 1}; "
                "lower optimizer.learning_rate or lengthen schedule.warmup"
            )


def cross_entropy(
    num_classes: int, label_smoothing: float, *, is_mixed: bool
) -> Callable:
    """Returns a cross-entropy of labels and probabilities (B, C), in nats.

    Args:
        num_classes: C.
        label_smoothing: share of each label spread over all classes, 0..0.5
            (Szegedy et al., 2016, https://arxiv.org/abs/1512.00567).
        is_mixed: whether the labels are distributions (B, C), as mixup and cutmix make
            them, instead of integers (B,).
    """

    def loss(labels, probabilities):
        if not is_mixed:
            labels = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
            labels = keras.ops.one_hot(labels, num_classes)
        return keras.losses.categorical_crossentropy(
            labels, probabilities, label_smoothing=label_smoothing
        )

    return loss


def fit(
    model: keras.Model,
    batches: Any,
    *,
    steps_per_epoch: int,
    validation: Validation,
    config: Config,
    accelerator: Accelerator,
    workdir: Path,
    update: Update,
) -> list[float]:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    Args:
        model: built inside `accelerator.scope()`; probabilities out.
        batches: what `keras.Model.fit` takes, full global batches of (inputs, labels);
            int labels, or distributions where the config mixes images.
        steps_per_epoch: batches in an epoch.
        validation: scores the epoch; the lowest val_loss is the best.
        config: optimizer, loss and length of the run.
        accelerator: where it runs; says how the step may be compiled.
        workdir: metrics.csv goes here.
        update: told of every step.

    Returns:
        The learning rate of each step of the planned run.

    Raises:
        KerastpuError: the loss is no longer finite.
    """
    epochs = config.training.epochs
    total_steps = steps_per_epoch * epochs
    rate = optimizers.learning_rate_function(
        config.optimizer,
        config.schedule,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        num_replicas=accelerator.num_replicas,
    )
    validation.learning_rate = rate
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", patience=PATIENCE, restore_best_weights=True
    )
    num_classes = len(validation.class_names)
    is_mixed = config.input.augment.is_mixing
    accuracy = (
        keras.metrics.CategoricalAccuracy
        if is_mixed
        else keras.metrics.SparseCategoricalAccuracy
    )
    with accelerator.scope():
        model.compile(
            optimizer=optimizers.build_optimizer(config.optimizer, rate, total_steps),
            loss=cross_entropy(
                num_classes, config.loss.label_smoothing, is_mixed=is_mixed
            ),
            metrics=[accuracy(name="accuracy")],
            **accelerator.compile_options(),
        )
        model.fit(
            batches,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,  # the batches come shuffled
            verbose=0,
            callbacks=[
                StepProgress(update, total_steps),
                StopOnNaN(),
                validation,
                keras.callbacks.CSVLogger(str(workdir / METRICS)),
                stopping,
            ],
        )
    ended = stopping.stopped_epoch + 1 if stopping.stopped_epoch else epochs
    LOG.info("epoch %d of %d kept, %d done", stopping.best_epoch + 1, epochs, ended)
    return [rate(step) for step in range(total_steps)]
