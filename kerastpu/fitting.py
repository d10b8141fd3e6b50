"""One `fit`: loss, metrics, callbacks and batches, for a head or a whole network."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerastpu import (
    discriminative,
    guards,
    losses,
    optimizers,
    regularization,
    schedules,
)
from kerastpu.callbacks import StepProgress, StopOnNaN, Validation
from kerastpu.config import Config
from kerastpu.progress import Update
from kerastpu.runs import METRICS
from kerastpu.strategy import Accelerator

LOG = logging.getLogger("kerastpu")
PATIENCE = 10  # epochs without a lower validation loss before training ends


class ArrayBatches(keras.utils.PyDataset):
    """Endless shuffled full batches of arrays; the order is that of (seed, epoch).

    The remainder is left out, so that every replica has the same share; it is another
    one in each epoch. `fit` needs `steps_per_epoch`, which may be any.

    Args:
        inputs: (N, ...), any dtype.
        labels: int (N,).
        batch_size: global batch, at most N.
        seed: of the order.
    """

    num_batches = None  # endless: Keras goes on counting where an epoch ended

    def __init__(
        self, inputs: np.ndarray, labels: np.ndarray, batch_size: int, seed: int
    ):
        super().__init__()
        self.inputs, self.labels = inputs, labels
        self.batch_size, self.seed = batch_size, seed
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, number = divmod(index, len(self.labels) // self.batch_size)
        if self._order[0] != epoch:
            random = np.random.default_rng([self.seed, epoch])
            self._order = epoch, random.permutation(len(self.labels))
        start = number * self.batch_size
        chosen = self._order[1][start : start + self.batch_size]
        return self.inputs[chosen], self.labels[chosen]


def fit(
    model: keras.Model,
    batches: Any,
    *,
    steps_per_epoch: int,
    validation: Validation,
    class_weights: Sequence[float] | None = None,
    config: Config,
    accelerator: Accelerator,
    workdir: Path,
    update: Update,
) -> list[float]:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    Args:
        model: built inside `accelerator.scope()`; probabilities out.
        batches: a PyDataset or tf.data.Dataset of endless full global batches (inputs,
            labels); int labels, or distributions where the config mixes images.
        steps_per_epoch: batches in an epoch, at least `optimizer.accumulate` of them;
            what is over after the epoch's last update belongs to the next one.
        validation: scores the epoch; the lowest val_loss is the best.
        class_weights: float (classes,), mean 1 over the examples; None = all 1.
        config: optimizer, loss and length of the run.
        accelerator: where it runs; says how the step may be compiled.
        workdir: metrics.csv goes here.
        update: told of every step.

    Returns:
        The learning rate of each update of the planned run.

    Raises:
        UsageError: batches that do not fit the model or its loss.
        KerastpuError: the loss is no longer finite.
    """
    epochs, accumulate = config.training.epochs, config.optimizer.accumulate
    updates_per_epoch = steps_per_epoch // accumulate
    steps_per_epoch = updates_per_epoch * accumulate
    curve = schedules.build(
        config.schedule,
        config.optimizer,
        steps_per_epoch=updates_per_epoch,
        epochs=epochs,
        num_replicas=accelerator.num_replicas,
    )
    stopping = keras.callbacks.EarlyStopping(
        "val_loss",
        # A plateau's drop needs time to show what it does.
        patience=PATIENCE + curve.options.get("patience", 0),
        restore_best_weights=True,
    )
    steps = StepProgress(update, steps_per_epoch * epochs)
    scoring, rate = _scoring_callbacks(curve, validation, config)
    log = keras.callbacks.CSVLogger(str(workdir / METRICS))
    penalty = {"l1": config.loss.l1, "l2": config.loss.l2}
    with accelerator.scope(), regularization.penalties(model, **penalty):
        compile_model(model, curve, class_weights, config, accelerator)
        guards.check(model, *_first(batches))
        model.fit(
            batches,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,  # the batches come shuffled
            verbose=0,
            callbacks=[steps, StopOnNaN(), *scoring, log, stopping],
        )
    ended = stopping.stopped_epoch + 1 if stopping.stopped_epoch else epochs
    LOG.info("epoch %d of %d kept, %d done", stopping.best_epoch + 1, epochs, ended)
    return [rate(step) for step in range(updates_per_epoch * epochs)]


def _scoring_callbacks(
    curve: schedules.Curve, validation: Validation, config: Config
) -> tuple[list[keras.callbacks.Callback], schedules.LearningRateFunction]:
    """Returns what scores an epoch and follows the score, and the rate by update."""
    callbacks, rate = [validation], curve
    if config.optimizer.ema:  # scored and kept is the average of the weights
        callbacks.insert(0, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if curve.name == "plateau":  # its rate is known as the run goes
        rate = schedules.PlateauCallback(curve, accumulate=config.optimizer.accumulate)
        callbacks.append(rate)
    validation.learning_rate = rate
    return callbacks, rate


def compile_model(
    model: keras.Model,
    curve: schedules.Curve,
    class_weights: Sequence[float] | None,
    config: Config,
    accelerator: Accelerator,
) -> None:
    """Compiles `model` with the optimizer, loss and accuracy of `config`.

    Args:
        model: built inside `accelerator.scope()`, which this is called in too.
        curve: learning rate of each update.
        class_weights: float (classes,); None = all 1.
        config: optimizer, loss, and whether images are mixed.
        accelerator: says how the step may be compiled.
    """
    optimizer = optimizers.build_optimizer(
        config.optimizer,
        schedules.as_keras(curve, accumulate=config.optimizer.accumulate),
        model.trainable_variables,
    )
    if config.optimizer.stage_decay < 1:
        multipliers = discriminative.stage_multipliers(
            model, config.optimizer.stage_decay
        )
        discriminative.scale(optimizer, multipliers)
    is_mixed = config.input.augment.is_mixing
    model.compile(
        optimizer=optimizer,
        loss=losses.build_loss(
            config.loss,
            model.output_shape[-1],
            is_mixed=is_mixed,
            class_weights=class_weights,
        ),
        metrics=[losses.build_accuracy(is_mixed=is_mixed)],
        **accelerator.compile_options(
            gradient_accumulation_steps=config.optimizer.accumulate
        ),
    )


def _first(batches: Any) -> tuple[Any, Any]:
    """Returns the first batch, and leaves `batches` as they were."""
    if isinstance(batches, keras.utils.PyDataset):
        return batches[0]
    return next(iter(batches))
