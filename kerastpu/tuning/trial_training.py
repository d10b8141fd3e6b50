"""One stretch of the training of one trial, from where it stood."""

import contextlib
import gc
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerastpu import fitting, seeds, training
from kerastpu.config import Config
from kerastpu.stopping import Stopped, Stopping
from kerastpu.tuning.trial_tasks import TrialTasks

LOG = logging.getLogger("kerastpu")

Row = dict[str, float]
EpochEnded = Callable[[list[Row]], bool]

_TIMED = 7


class TrialTrainer:
    """Trains trials, each in a folder of its own with its checkpoint.

    Args:
        tasks: what is fitted.
        folder: of all trials.
        stopping: whether the process has been asked to stop.
    """

    def __init__(self, tasks: TrialTasks, folder: Path, stopping: Stopping):
        self.tasks, self.folder, self.stopping = tasks, folder, stopping

    def train(
        self, number: int, config: Config, epoch_ended: EpochEnded
    ) -> dict[str, float]:
        """Trains a trial until `epoch_ended` says that it is enough for now.

        Args:
            number: of the trial; its checkpoint is gone on from where there is one.
            config: of the trial; its epochs are those of the longest trial, by which
                the learning rate falls.
            epoch_ended: see `fitting.fit`.

        Returns:
            Parameters of the trained part, and its latency for one example.

        Raises:
            UsageError: the config does not fit the data or the network.
            KerastpuError: training diverged.
            Stopped: the process was asked to stop; what is done has been saved.
        """
        with _quiet():
            model = self._fit(number, config, epoch_ended)
            return {
                "parameters": model.count_params(),
                "latency_ms": round(_latency_ms(model), 3),
            }

    def _fit(self, number: int, config: Config, epoch_ended: EpochEnded) -> keras.Model:
        keras.backend.clear_session()
        gc.collect()
        seeds.set_seed(config.seed, config.training.deterministic)
        workdir = self.folder / f"{number:04d}"
        workdir.mkdir(parents=True, exist_ok=True)
        # How long a trial lasts is for the search to say.
        config = replace(config, training=replace(config.training, patience=0))
        task = self.tasks.make(config)
        try:
            fitting.fit(
                task.model,
                task.make_batches,
                steps_per_epoch=task.steps_per_epoch,
                validation=task.validation,
                class_weights=training.class_weights_of(config, self.tasks.manifest),
                config=config,
                accelerator=self.tasks.accelerator,
                workdir=workdir,
                update=_silent,
                stopping=self.stopping,
                identity=self._identity(),
                epoch_ended=epoch_ended,
            )
        except Stopped:
            if self.stopping.is_asked:
                raise
        return task.model

    def _identity(self) -> dict[str, Any]:
        return {"data": self.tasks.manifest.content_sha256[:16]}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the log free of what every trial would say again.

    That is how it is trained, which the table of the study shows, and TensorFlow's
    advice not to build the same step for several models.
    """
    loggers = {LOG: logging.WARNING, logging.getLogger("tensorflow"): logging.ERROR}
    before = {logger: logger.level for logger in loggers}
    for logger, level in loggers.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)


def _silent(done: int, total: int) -> None:
    """The table of the study shows how far it is."""


def _latency_ms(model: keras.Model) -> float:
    """Returns the milliseconds that one example takes, the median of several times."""
    shape = (1, *model.input_shape[1:])
    example = np.zeros(shape, model.inputs[0].dtype)
    times = []
    for _ in range(_TIMED + 1):  # in the first one Keras compiles
        start = time.perf_counter()
        model.predict_on_batch(example)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times[1:]))
