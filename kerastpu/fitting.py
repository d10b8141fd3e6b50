"""One `fit`: loss, metrics, callbacks and batches, for a head or a whole network."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerastpu import (
    discriminative,
    event_files,
    guards,
    losses,
    optimizers,
    optional,
    regularization,
    schedules,
)
from kerastpu.averaging import averaged
from kerastpu.best_epoch import BestEpoch
from kerastpu.callbacks import History, StepProgress, Validation
from kerastpu.config import Config
from kerastpu.divergence import DivergenceGuard
from kerastpu.errors import KerastpuError
from kerastpu.fast_steps import fast_steps
from kerastpu.progress import Update
from kerastpu.resuming import parts, state
from kerastpu.resuming.checkpoints import Checkpoints
from kerastpu.resuming.snapshots import Snapshots
from kerastpu.runs import CHECKPOINTS, EVENTS, METRICS
from kerastpu.stopping import Stopping
from kerastpu.strategy import Accelerator
from kerastpu.version import VERSION

LOG = logging.getLogger("kerastpu")


@dataclass(frozen=True)
class Fitted:
    """How a fit went."""

    rates: list[float]
    """Learning rate of each update of the planned run."""
    last_weights: list[np.ndarray]
    """After the last epoch, as `model.get_weights()` has them."""
    is_last_best: bool
    """Whether the last epoch is the one whose weights the model has."""
    earlier_seconds: float
    """What the steps that were gone on from had taken; 0 for a run in one go."""
    resumes: int
    """Breaks in the chain of checkpoints that led to the end."""


def fit(
    model: keras.Model,
    make_batches: Callable[[int], Any],
    *,
    steps_per_epoch: int,
    validation: Validation,
    class_weights: Sequence[float] | None = None,
    config: Config,
    accelerator: Accelerator,
    workdir: Path,
    update: Update,
    stopping: Stopping | None = None,
    identity: Mapping[str, Any] | None = None,
    epoch_ended: Callable[[list[dict[str, float]]], bool] | None = None,
) -> Fitted:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    Goes on from a checkpoint in `workdir` where there is one.

    Args:
        model: built inside `accelerator.scope()`; probabilities out.
        make_batches: called with a number of batches to leave out; returns the others,
            a PyDataset or tf.data.Dataset of endless full global batches (inputs,
            labels); int labels, or distributions where the config mixes images.
        steps_per_epoch: batches in an epoch, at least `optimizer.accumulate` of them;
            what is over after the epoch's last update belongs to the next one.
        validation: scores the epoch; the lowest val_loss is the best.
        class_weights: float (classes,), mean 1 over the examples; None = all 1.
        config: optimizer, loss and length of the run.
        accelerator: where it runs; says how the step may be compiled.
        workdir: metrics.csv and checkpoints go here.
        update: told of every step, in images.
        stopping: whether the process has been asked to stop; None = it never is.
        identity: what a checkpoint must have been made with, by name.
        epoch_ended: called with the rows of metrics.csv so far after each epoch, which
            has been saved, and before the first one of a run that goes on; returns
            whether training goes on. None = it does.

    Raises:
        UsageError: batches that do not fit the model or its loss, or a checkpoint of
            another run.
        KerastpuError: the loss is no longer finite or has exploded, or a checkpoint
            cannot be written.
        Stopped: the process was asked to stop, or `epoch_ended` said so; what is done
            has been saved.
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
    first = _first(make_batches(0))
    progress = StepProgress(update, steps_per_epoch * epochs, len(first[1]))
    history, best = History(workdir / METRICS), BestEpoch(_patience(config, curve))
    callbacks: dict[str, Any] = {
        "progress": progress,
        "guard": DivergenceGuard(),
        "validation": validation,
    }
    validation.learning_rate = curve
    if curve.name == "plateau":  # its rate is known as the run goes
        plateau = schedules.PlateauCallback(curve, accumulate=accumulate)
        callbacks["plateau"] = validation.learning_rate = plateau
    callbacks |= {"history": history, "best": best}
    others = []
    if optional.is_installed(event_files.PACKAGE):
        others.append(event_files.EventFiles(workdir / EVENTS, history))
    snapshots = Snapshots(
        Checkpoints(workdir / CHECKPOINTS),
        stopping or Stopping(),
        seconds=config.training.checkpoint_seconds,
        steps_per_epoch=steps_per_epoch,
        identity={
            "steps in an epoch": steps_per_epoch,
            # They decide the batches, and the order of the optimizer's variables.
            "kerastpu": VERSION,
            "keras": keras.__version__,
        }
        | dict(identity or {}),
        memories=callbacks,
        goes_on=None if epoch_ended is None else lambda: epoch_ended(history.rows),
    )
    penalty = {"l1": config.loss.l1, "l2": config.loss.l2}
    with (
        accelerator.scope(),
        regularization.penalties(model, **penalty),
        fast_steps(model, accelerator),
    ):
        compile_model(model, curve, class_weights, config, accelerator)
        guards.check(model, *first)
        earlier_seconds = 0.0
        if snapshots.resume():
            earlier_seconds = validation.seconds
            _tell(snapshots)
            state.build_optimizer(model)
            if accelerator.strategy is None:  # else `fit` does so beforehand
                state.build_metrics(model, first[1])
            snapshots.pause_if_asked()
        parts.run(
            model,
            make_batches,
            [*callbacks.values(), *others],
            snapshots,
            epochs=epochs,
            is_over=lambda: best.is_over,
        )
        with averaged(model):
            last_weights = model.get_weights()
        if best.weights is None:
            raise KerastpuError("no epoch has a validation loss that is a number")
        model.set_weights(best.weights)
    LOG.info(
        "epoch %d of %d kept, %d done", best.epoch + 1, epochs, snapshots.num_scored
    )
    rate = validation.learning_rate
    return Fitted(
        rates=[rate(step) for step in range(updates_per_epoch * epochs)],
        last_weights=last_weights,
        is_last_best=best.epoch + 1 == snapshots.num_scored,
        earlier_seconds=earlier_seconds,
        resumes=snapshots.resumes,
    )


def _patience(config: Config, curve: schedules.Curve) -> int:
    """Returns the epochs without a lower loss that end the run, 0 for never."""
    patience = config.training.patience
    # A plateau's drop needs time to show what it does.
    return patience + curve.options.get("patience", 0) if patience else 0


def _tell(snapshots: Snapshots) -> None:
    epoch, step = divmod(snapshots.step, snapshots.steps_per_epoch)
    LOG.info(
        "goes on from a checkpoint: %d epochs and %d of %d steps done",
        epoch,
        step,
        snapshots.steps_per_epoch,
    )


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
