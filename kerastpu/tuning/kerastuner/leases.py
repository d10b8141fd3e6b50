"""An Oracle whose workers may die, with four traps of KerasTuner 1.4 taken away.

* `seed=0` is a seed like any other (KerasTuner takes a random one instead).
* A call that raises gives the lock back; else the next call would wait for ever.
* Files of the project are written whole or not at all, so that a process may be killed
  at any moment; a trial that was begun but is not in the Oracle's own file is dropped.
* What was out when the process ended is tried again from its beginning.
"""

import functools
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine import oracle as kt_oracle
from keras_tuner.src.engine.metrics_tracking import MetricsTracker

from kerastpu import files

LOG = logging.getLogger("kerastpu")

F = TypeVar("F", bound=Callable[..., Any])


def releasing(method: F) -> F:
    """Makes a synchronized method give KerasTuner's lock back also when it raises."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        mine = threading.current_thread().name
        had_it = kt_oracle.THREADS[self] == mine
        try:
            return method(self, *args, **kwargs)
        finally:  # a call that returns has given it back itself
            if not had_it and kt_oracle.THREADS[self] == mine:
                kt_oracle.THREADS[self] = None
                kt_oracle.LOCKS[self].release()

    return call  # type: ignore[return-value]


class LeasingOracle(keras_tuner.Oracle):
    """Trials are lent to workers, and lent again when a worker is not heard of.

    A worker is heard of when it asks, and after each epoch.

    Args:
        seed: of all that is random; None = another one each time.
        lease_seconds: silence after which a worker counts as dead: more than the
            longest epoch with what comes before it.
        **options: of `keras_tuner.Oracle`.

    Attributes:
        failure: why the search cannot go on; empty while it can.
    """

    def __init__(
        self, *, seed: int | None = None, lease_seconds: float = 600.0, **options: Any
    ):
        super().__init__(seed=seed, **options)
        if seed is not None:
            self.seed = self._seed_state = seed
        self.lease_seconds = lease_seconds
        self.failure = ""
        self._heard: dict[str, float] = {}

    @releasing
    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Lends a worker a trial, first of all one whose worker has died."""
        self._heard[tuner_id] = time.monotonic()
        self._take_back()
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING:
            trial.metrics = MetricsTracker()  # of a worker that died in the middle
        if trial.status == TrialStatus.STOPPED:
            self._heard.pop(tuner_id, None)
        return trial

    @releasing
    @keras_tuner.synchronized
    def update_trial(
        self, trial_id: str, metrics: dict[str, float], step: int = 0
    ) -> Trial:
        """Takes note of an epoch, and that the worker lives."""
        for tuner_id, trial in self.ongoing_trials.items():
            if trial.trial_id == trial_id:
                self._heard[tuner_id] = time.monotonic()
        return super().update_trial(trial_id, metrics, step=step)

    @releasing
    @keras_tuner.synchronized
    def end_trial(self, trial: Trial) -> None:
        """Takes the result of a trial; a second one of the same is not counted."""
        trial_id = trial.trial_id
        if trial_id in self._retry_queue:  # its worker lives after all
            self._retry_queue.remove(trial_id)
        elif trial_id not in {one.trial_id for one in self.ongoing_trials.values()}:
            LOG.warning("the result of trial %s came twice: not counted", trial_id)
            return
        try:
            super().end_trial(trial)
        except RuntimeError as error:  # too many trials have failed, one after another
            self.failure = str(error).partition("\n")[0]
            raise
        if trial_id not in self._retry_queue:
            self.ended(self.trials[trial_id])
            self.save()

    def ended(self, trial: Trial) -> None:
        """Is called when a trial has ended for good; the Oracle is saved after it."""

    @releasing
    @keras_tuner.synchronized
    def take_back(self) -> None:
        """Takes back what workers hold that have not been heard of for too long."""
        self._take_back()

    def _take_back(self) -> None:
        now = time.monotonic()
        for tuner_id in list(self.tuner_ids):
            if now - self._heard.setdefault(tuner_id, now) <= self.lease_seconds:
                continue
            self.tuner_ids.discard(tuner_id)
            self._heard.pop(tuner_id)
            trial = self.ongoing_trials.pop(tuner_id, None)
            if trial is not None:
                self._retry_queue.append(trial.trial_id)
                LOG.warning(
                    "worker %s has not been heard of for %.0f s: trial %s goes to "
                    "another",
                    tuner_id,
                    self.lease_seconds,
                    trial.trial_id,
                )

    def reload(self) -> None:
        """Reads the project, less trials that were begun but never made it into it."""
        super().reload()
        for trial_id in set(self.trials) - set(self.start_order):
            del self.trials[trial_id]

    def save(self) -> None:
        """Writes the Oracle's own file, whole or not at all."""
        text = json.dumps(self.get_state())
        files.write_text(Path(self._get_oracle_fname()), text)

    def _save_trial(self, trial: Trial) -> None:
        path = Path(self._get_trial_dir(trial.trial_id)) / "trial.json"
        files.write_text(path, json.dumps(trial.get_state()))
