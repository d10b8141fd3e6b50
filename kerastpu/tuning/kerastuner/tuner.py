"""A Tuner whose survivors go on with their own weights and optimizer state."""

import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.src import utils
from keras_tuner.src.distribute import utils as distribute

from kerastpu import files
from kerastpu.errors import UsageError
from kerastpu.resuming import state, trees
from kerastpu.tuning.kerastuner import oracle as oracle_module
from kerastpu.tuning.kerastuner import serving

_STATE = "state.npz"
_IDLE_SECONDS = 0.2  # between two questions of a worker that waits for others


class LHSHalving(keras_tuner.Tuner):
    """Latin hypercube and halving for a function that builds a compiled model.

    Takes the place of `keras_tuner.Hyperband`. A set that is not dropped goes on with
    the weights, the optimizer's state and the random numbers that it had, so that its
    training is the same as one in a single stretch.

    Args:
        hypermodel: `build(hp)`, which returns a compiled model, or a `HyperModel`.
        objective: name of a metric of each epoch, or `keras_tuner.Objective`.
        max_epochs: epochs of each set before the first ones are dropped.
        tune_iterations: how often the sets are trained on.
        num_trials: sets to begin with.
        tune_retention: share of the sets kept at each drop, above 0, below 1.
        redistribute: whether sets that are kept get the epochs of those dropped.
        refills: times that new sets are proposed by what has been learned.
        budget: epochs that all sets together may take; None = what the above says.
        seed: of all that is random; None = another one each time.
        hyperparameters: a space given in advance, as KerasTuner has it.
        lease_seconds: silence after which a worker counts as dead.
        max_consecutive_failed_trials: after as many the search ends.
        **options: of `keras_tuner.Tuner`: directory, project_name, overwrite, ...

    Raises:
        UsageError: a control out of its range, or more than one execution per trial.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        *,
        max_epochs: int = 2,
        tune_iterations: int = 4,
        num_trials: int = 27,
        tune_retention: float = 1 / 3,
        redistribute: bool = True,
        refills: int = 4,
        budget: int | None = None,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        lease_seconds: float = 600.0,
        max_consecutive_failed_trials: int = 3,
        **options: Any,
    ):
        if options.get("executions_per_trial", 1) != 1:
            raise UsageError("executions_per_trial must be 1: a set goes on by itself")
        self._is_idle = False
        oracle = oracle_module.LHSHalvingOracle(
            objective,
            max_epochs=max_epochs,
            tune_iterations=tune_iterations,
            num_trials=num_trials,
            tune_retention=tune_retention,
            redistribute=redistribute,
            refills=refills,
            budget=budget,
            seed=seed,
            hyperparameters=hyperparameters,
            lease_seconds=lease_seconds,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle=oracle, hypermodel=hypermodel, **options)

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Searches; takes what `fit` takes, less epochs and initial_epoch.

        Raises:
            UsageError: one of these is given.
        """
        for name in ("epochs", "initial_epoch"):
            if name in fit_kwargs:
                raise UsageError(f"{name} is what the search decides; leave it out")
        if distribute.is_chief_oracle():
            self.save()
            serving.serve(self.oracle)
            return
        super().search(*fit_args, **fit_kwargs)

    def pre_create_trial(self) -> None:
        """Waits a moment when the last question had no answer yet."""
        if self._is_idle:
            time.sleep(_IDLE_SECONDS)
        self._is_idle = True

    def on_trial_begin(self, trial: Trial) -> None:
        """Notes that there was an answer."""
        self._is_idle = False
        super().on_trial_begin(trial)

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Trains a set for one more stretch."""
        values = trial.hyperparameters.values
        kwargs["initial_epoch"] = values[oracle_module.INITIAL]
        kwargs["epochs"] = values[oracle_module.EPOCHS]
        return super().run_trial(trial, *args, **kwargs)

    def on_epoch_end(
        self, trial: Trial, model: keras.Model, epoch: int, logs: Any = None
    ) -> None:
        """Tells the Oracle of the epoch, and keeps the state after the last one.

        Raises:
            UsageError: the objective is not among the metrics.
        """
        name, logs = self.oracle.objective.name, logs or {}
        if name not in logs:
            raise UsageError(
                f"objective {name!r} is no metric of an epoch; there are "
                f"{', '.join(sorted(logs))}"
            )
        metrics = {key: float(value) for key, value in logs.items()}
        if epoch + 1 == trial.hyperparameters.values[oracle_module.EPOCHS]:
            with files.replacing(self._state_path(trial.trial_id)) as temporary:
                trees.save(temporary, state.capture(model))
        self.oracle.update_trial(trial.trial_id, metrics, step=epoch)

    def _run_and_update_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        # Each epoch has been told already; KerasTuner would tell the best once more.
        self.run_trial(trial, *args, **kwargs)

    def _try_build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        model = super()._try_build(hp)
        past = hp.values.get(oracle_module.PAST)
        if past is None:
            return model
        if not model.built:
            model.build_from_config(utils.load_json(self._get_build_config_fname(past)))
        state.build_optimizer(model)
        state.restore(model, trees.load(self._state_path(past)), metrics=False)
        return model

    def _state_path(self, trial_id: str) -> Path:
        return Path(self.get_trial_dir(trial_id)) / _STATE
