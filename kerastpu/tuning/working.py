"""One worker of a study: asks, trains, tells, until nothing is left to do."""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kerastpu.config import Config
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.runs import CHECKPOINTS
from kerastpu.tuning import fields
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study
from kerastpu.tuning.trial_training import Row, TrialTrainer
from kerastpu.tuning.trials import Job

LOG = logging.getLogger("kerastpu")

Show = Callable[[], None]

# So many failed, one after another, and none has worked: it is not the settings.
_MAX_FAILURES = 3
_CALIBRATION_EPOCHS = 2
_CALIBRATION = 9999  # its number among the folders of the trials


def work(study: Study, made: Settings, trainer: TrialTrainer, show: Show) -> None:
    """Trains trials until the study is over.

    Args:
        study: says which.
        made: its settings.
        trainer: trains them.
        show: called after each epoch and each job.

    Raises:
        KerastpuError: every trial fails, with the reason of the last one.
        Stopped: the process was asked to stop; what is done has been saved.
    """
    failures = 0
    while not study.is_over:
        job = study.ask()
        if job is None:
            break
        failure = _train(study, job, made.config, trainer, show)
        failures = failures + 1 if failure else 0
        if failures == _MAX_FAILURES and not any(t.is_usable for t in study.trials):
            raise KerastpuError(
                f"{failures} trials failed one after another: {failure}"
            )
        show()
        clear(study, trainer.folder)


def _train(
    study: Study, job: Job, base: Config, trainer: TrialTrainer, show: Show
) -> str:
    """Trains one job; returns why it failed, nothing if it did not."""

    def epoch_ended(rows: list[Row]) -> bool:
        goes_on = study.report(job.trial, rows)
        show()
        return goes_on

    try:
        config = fields.apply(base, job.values)
        facts = trainer.train(job.trial, config, epoch_ended)
    except KerastpuError as error:
        if isinstance(error, UsageError):
            LOG.warning("trial %d cannot be: %s", job.trial, error)
        study.tell(job.trial, failure=str(error))
        return str(error)
    study.tell(job.trial, facts=facts)
    return ""


def clear(study: Study, folder: Path) -> None:
    """Removes the checkpoints of trials that will not go on.

    Args:
        study: that says so.
        folder: of the trials.
    """
    for trial in study.trials:
        if trial.has_ended or study.is_over:
            path = folder / f"{trial.number:04d}" / CHECKPOINTS
            shutil.rmtree(path, ignore_errors=True)


def measure(base: Config, trainer: TrialTrainer, seconds: float) -> int:
    """Returns about how many epochs of trials fit into `seconds`.

    The first epochs of the settings one has are trained and timed; what comes before
    each job is counted with a third of the longest trial.
    """
    folder = trainer.folder / f"{_CALIBRATION:04d}"
    shutil.rmtree(folder, ignore_errors=True)  # of a process that died while measuring
    times = [time.monotonic()]

    def epoch_ended(rows: list[Row]) -> bool:
        times.append(time.monotonic())
        return len(rows) < _CALIBRATION_EPOCHS

    epochs = base.training.epochs
    if epochs == 1:
        base = replace(base, training=replace(base.training, epochs=2))
    trainer.train(_CALIBRATION, base, epoch_ended)
    shutil.rmtree(folder, ignore_errors=True)
    first, second = times[1] - times[0], times[2] - times[1]
    overhead = max(0.0, first - second) * 3 / epochs
    return max(1, int(seconds / (second + overhead)))
