"""KerasTuner's own searches, asked and told as ours is."""

import contextlib
from collections.abc import Sequence
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner import oracles
from keras_tuner.engine.trial import TrialStatus

from kerastpu.errors import UsageError
from kerastpu.tuning.dimensions import Dimension, values_at
from kerastpu.tuning.trials import (
    DROPPED,
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    WAITING,
    Job,
    Trial,
)

_MAX_CHOICES = 20  # of a setting whose values are counted; above it is a number
_OBJECTIVE = "error"
_UNLIMITED = 10**9


class KerasTunerSearch:
    """One of KerasTuner's Oracles.

    It sees each dimension as a number in 0..1, or as the index of its value.

    Args:
        name: random, grid, bayesian or hyperband.
        space: what is searched.
        longest: epochs of a trial that is not dropped.
        seed: of all that is random.
        max_trials: None = until it is stopped, or for grid until all is tried.
    """

    def __init__(
        self,
        name: str,
        space: Sequence[Dimension],
        longest: int,
        seed: int,
        max_trials: int | None = None,
    ):
        self.space, self.longest = tuple(space), longest
        self.trials: list[Trial] = []
        self._is_over = False
        self._ids: dict[int, str] = {}  # trial -> KerasTuner's for its last job
        self._numbers: dict[str, int] = {}
        self._again: list[int] = []  # jobs whose workers have died
        # KerasTuner takes 0 for no seed.
        self._oracle = _build(name, self.space, longest, seed + 1, max_trials)

    @property
    def is_over(self) -> bool:
        """Whether no trial is to be trained any more, as far as is known."""
        return self._is_over and not self._again and not self._running()

    def ask(self) -> Job | None:
        """Returns what is to be trained next."""
        if self._again:
            trial = self.trials[self._again.pop(0)]
            trial.state = RUNNING
            return Job(trial.number, dict(trial.values), trial.start, trial.stop)
        if self._is_over:
            return None
        theirs = self._oracle.create_trial(f"worker-{len(self._numbers)}")
        if theirs.status != TrialStatus.RUNNING:
            self._is_over = theirs.status == TrialStatus.STOPPED
            return None
        trial = self._trial(theirs)
        self._ids[trial.number] = theirs.trial_id
        self._numbers[theirs.trial_id] = trial.number
        return Job(trial.number, dict(trial.values), trial.start, trial.stop)

    def tell(self, number: int, errors: Sequence[float]) -> None:
        """Takes the errors of a job; see `Halving.tell`."""
        trial = self.trials[number]
        finite = [float(error) for error in errors if np.isfinite(error)]
        trial.curve = trial.curve[: trial.start] + finite
        has_failed = len(finite) < len(errors) or not finite
        if has_failed:
            trial.state = FAILED
        elif trial.epochs < trial.stop:
            trial.state = STOPPED
        else:
            trial.state = FINISHED if trial.epochs == self.longest else DROPPED
        theirs = self._oracle.get_trial(self._ids[number])
        if has_failed:
            theirs.status = TrialStatus.FAILED
        else:
            metrics = {_OBJECTIVE: min(trial.curve)}
            self._oracle.update_trial(theirs.trial_id, metrics)
            theirs.status = TrialStatus.COMPLETED
        self._oracle.end_trial(theirs)

    def hand_back(self, number: int) -> None:
        """Takes a job back whose worker has died: it will be given out again."""
        self.trials[number].state = WAITING
        self._again.append(number)

    def _running(self) -> bool:
        return any(trial.state == RUNNING for trial in self.trials)

    def _trial(self, theirs: Any) -> Trial:
        """Returns the trial that a trial of KerasTuner is a stretch of."""
        values = theirs.hyperparameters.values
        stop = values.get("tuner/epochs", self.longest)
        start = values.get("tuner/initial_epoch", 0)
        if start:
            trial = self.trials[self._numbers[values["tuner/trial_id"]]]
            trial.rung += 1
        else:
            units = [_unit(one, values.get(str(i))) for i, one in enumerate(self.space)]
            ours = values_at(self.space, [0.0 if u is None else u for u in units])
            trial = Trial(len(self.trials), 0, units, ours, stop)
            self.trials.append(trial)
        trial.start, trial.stop, trial.state = start, stop, RUNNING
        return trial


def _build(
    name: str,
    space: Sequence[Dimension],
    longest: int,
    seed: int,
    max_trials: int | None,
) -> keras_tuner.Oracle:
    options: dict[str, Any] = {
        "objective": keras_tuner.Objective(_OBJECTIVE, "min"),
        "hyperparameters": _hyperparameters(space),
        "seed": seed,
        "max_consecutive_failed_trials": _UNLIMITED,
    }
    if name == "hyperband":
        oracle = oracles.HyperbandOracle(
            max_epochs=longest, hyperband_iterations=_UNLIMITED, **options
        )
    else:
        kinds = {
            "random": oracles.RandomSearchOracle,
            "grid": oracles.GridSearchOracle,
            "bayesian": oracles.BayesianOptimizationOracle,
        }
        limit = max_trials or (None if name == "grid" else _UNLIMITED)
        oracle = kinds[name](max_trials=limit, **options)
    oracle.verbose = 0
    # The record of the study is what is kept; it is played back to go on.
    oracle.save = lambda: None
    oracle._save_trial = lambda trial: None
    return oracle


def _hyperparameters(space: Sequence[Dimension]) -> keras_tuner.HyperParameters:
    found = keras_tuner.HyperParameters()
    places = {dimension.name: str(i) for i, dimension in enumerate(space)}
    named = {dimension.name: dimension for dimension in space}
    for i, dimension in enumerate(space):
        with contextlib.ExitStack() as scopes:
            for name, allowed in getattr(dimension, "conditions", ()):
                indices = _indices(named[name], allowed)
                scopes.enter_context(found.conditional_scope(places[name], indices))
            if _is_counted(dimension):
                choices = list(range(dimension.num_values or 1))
                found.Choice(str(i), choices, ordered=dimension.is_ordered)
            else:
                found.Float(str(i), 0.0, 1.0)
    return found


def _is_counted(dimension: Dimension) -> bool:
    return dimension.num_values is not None and dimension.num_values <= _MAX_CHOICES


def _indices(parent: Dimension, allowed: Sequence[Any]) -> list[int]:
    if not _is_counted(parent):
        raise UsageError(f"{parent.name} has too many values to depend on")
    return [int(parent.unit(value) * (parent.num_values or 1)) for value in allowed]


def _unit(dimension: Dimension, value: float | int | None) -> float | None:
    if value is None:
        return None
    if _is_counted(dimension):
        return (value + 0.5) / (dimension.num_values or 1)
    return min(float(value), 1 - 1e-9)
