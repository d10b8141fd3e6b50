"""A study as an Oracle: what a worker needs to train a job travels as one JSON text."""

import json
from dataclasses import dataclass
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from kerastpu.tuning import fields
from kerastpu.tuning.kerastuner.leases import LeasingOracle, releasing
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study

JOB = "job"  # the one hyperparameter
FACTS = ("parameters", "latency_ms")
_OBJECTIVE = "error"
_NO_LIMIT = 10**9


@dataclass(frozen=True)
class Led:
    """A study that is worked on.

    Attributes:
        study: says what is to be trained.
        settings: what a trial is.
        folder: of the trials, below that of the search.
    """

    study: Study
    settings: Settings
    folder: str


class StudyOracle(LeasingOracle):
    """Lends the jobs of one study after another; the record is the study's own.

    Args:
        lease_seconds: silence after which a worker counts as dead.
    """

    def __init__(self, lease_seconds: float):
        space = keras_tuner.HyperParameters()
        space.Fixed(JOB, "")
        super().__init__(
            objective=keras_tuner.Objective(_OBJECTIVE, "min"),
            hyperparameters=space,
            lease_seconds=lease_seconds,
            max_consecutive_failed_trials=_NO_LIMIT,
        )
        self.verbose = 0
        self.led: Led | None = None
        self.is_closed = False
        self._owners: dict[str, tuple[Study, int]] = {}
        self._facts: dict[str, dict[str, float]] = {}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next job; nothing for now between two studies."""
        if self.is_closed:
            return {"status": TrialStatus.STOPPED}
        job = None if self.led is None else self.led.study.ask()
        if self.led is None or job is None:
            return {"status": TrialStatus.IDLE}
        study, made = self.led.study, self.led.settings
        self._owners[trial_id] = study, job.trial
        text = {
            "trial": job.trial,
            "folder": self.led.folder,
            "config": fields.apply(made.config, job.values).to_dict(),
            "stop": job.stop,
        }
        return {"status": TrialStatus.RUNNING, "values": {JOB: json.dumps(text)}}

    @releasing
    @keras_tuner.synchronized
    def update_trial(
        self, trial_id: str, metrics: dict[str, float], step: int = 0
    ) -> Trial:
        """Takes note of an epoch; the trial that is returned is stopped if it is over.

        Args:
            trial_id: KerasTuner's.
            metrics: a row of metrics.csv, or what is known of the trial beside.
            step: the epoch, from 1.
        """
        study, number = self._owners[trial_id]
        if set(FACTS) <= set(metrics):
            self._facts[trial_id] = {name: metrics[name] for name in FACTS}
            return self.trials[trial_id]
        rows = study.facts[number].rows[: step - 1]
        goes_on = study.report(number, [*rows, dict(metrics)])
        error = study.errors(number)[step - 1]
        trial = super().update_trial(trial_id, {_OBJECTIVE: error}, step=step)
        trial.status = TrialStatus.RUNNING if goes_on else TrialStatus.STOPPED
        return trial

    def ended(self, trial: Trial) -> None:
        """Tells the study."""
        study, number = self._owners[trial.trial_id]
        has_failed = trial.status != TrialStatus.COMPLETED
        facts = self._facts.get(trial.trial_id, {})
        if "parameters" in facts:
            facts["parameters"] = int(facts["parameters"])
        study.tell(number, failure="training failed" if has_failed else "", facts=facts)

    def save(self) -> None:
        """Does nothing: the record of the study is what is kept."""

    def _save_trial(self, trial: Trial) -> None:
        pass
