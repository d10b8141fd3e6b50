"""Latin hypercube and halving as an Oracle of KerasTuner."""

from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from kerastpu.errors import UsageError
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.halving import Halving
from kerastpu.tuning.kerastuner import dimensions
from kerastpu.tuning.kerastuner.leases import LeasingOracle

PAST, INITIAL, EPOCHS, ITERATION = (
    "tuner/trial_id",
    "tuner/initial_epoch",
    "tuner/epochs",
    "tuner/iteration",
)


class LHSHalvingOracle(LeasingOracle):
    """Says which sets of hyperparameters are trained, and for how many epochs.

    As with KerasTuner's Hyperband each stretch of training is a trial of its own, which
    names the one that it goes on from.

    Args:
        objective: name of a metric of each epoch, or `keras_tuner.Objective`; one.
        max_epochs: epochs of each set before the first ones are dropped.
        tune_iterations: how often the sets are trained on.
        num_trials: sets to begin with.
        tune_retention: share of the sets kept at each drop, above 0, below 1.
        redistribute: whether sets that are kept get the epochs of those dropped.
        refills: times that new sets are proposed by what has been learned.
        budget: epochs that all sets together may take; None = what the above says.
        seed: of all that is random; None = another one each time.
        **options: of `LeasingOracle`, such as `hyperparameters`.

    Raises:
        UsageError: a control out of its range, or `max_trials`: num_trials says it.
    """

    def __init__(
        self,
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
        **options: Any,
    ):
        if "max_trials" in options:
            raise UsageError("max_trials is for other searches; give num_trials")
        self.controls = Controls(
            max_epochs,
            tune_iterations,
            num_trials,
            tune_retention,
            redistribute,
            refills,
        )
        self.budget = budget
        self.search: Halving | None = None
        self._numbers: dict[str, int] = {}  # of the set that a trial trains
        self._lasts: dict[int, str] = {}  # the trial that trained a set last
        super().__init__(objective=objective, seed=seed, **options)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns what the next trial is; KerasTuner calls this."""
        search = self._begun()
        search.extend(dimensions.of_space(self.hyperparameters)[self._size :])
        job = search.ask()
        if job is None:
            is_waiting = not search.is_over and self.ongoing_trials
            return {"status": TrialStatus.IDLE if is_waiting else TrialStatus.STOPPED}
        values = job.values | {
            EPOCHS: job.stop,
            INITIAL: job.start,
            ITERATION: search.trials[job.trial].rung,
        }
        if job.start:
            values[PAST] = self._lasts[job.trial]
        self._numbers[trial_id], self._lasts[job.trial] = job.trial, trial_id
        return {"status": TrialStatus.RUNNING, "values": values}

    def ended(self, trial: Trial) -> None:
        """Tells the search what a trial has reached."""
        errors = [float("nan")]
        if trial.status == TrialStatus.COMPLETED:
            sign = -1.0 if self.objective.direction == "max" else 1.0
            history = trial.metrics.get_history(self.objective.name)
            errors = [sign * observation.value[0] for observation in history]
        self._begun().tell(self._numbers[trial.trial_id], errors)

    @property
    def _size(self) -> int:
        return 0 if self.search is None else len(self.search.space)

    def _begun(self) -> Halving:
        """Returns the search, which begins when the space is known."""
        if self.search is None:
            space = dimensions.of_space(self.hyperparameters)
            if not space:
                raise UsageError("the build function asks for no hyperparameter")
            self.search = Halving(space, self.controls, self.seed, self.budget)
        return self.search

    def _settings(self) -> dict[str, Any]:
        return {"controls": vars(self.controls), "budget": self.budget}

    def get_state(self) -> dict[str, Any]:
        """Returns all that it knows, ready for `json`."""
        return super().get_state() | {
            "lhs_halving": {
                "settings": self._settings(),
                "search": self.search and self.search.to_state(),
                "size": self._size,
                "numbers": self._numbers,
                "lasts": list(self._lasts.items()),
            }
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from what `get_state` returned.

        Raises:
            UsageError: it is of a search with other controls or another seed.
        """
        ours, seed = state["lhs_halving"], self.seed
        if ours["settings"] != self._settings() or state["seed"] != seed:
            raise UsageError(
                f"{self._project_dir} holds a search with other controls or another "
                "seed; name another project, or pass overwrite=True"
            )
        super().set_state(state)
        self._numbers, self._lasts = ours["numbers"], dict(ours["lasts"])
        if ours["search"] is None:
            return
        space = dimensions.of_space(self.hyperparameters)[: ours["size"]]
        self.search = Halving.from_state(
            ours["search"], space, self.controls, self.seed, self.budget
        )
        # KerasTuner itself lends again what was out.
        for trial_id in (*state["ongoing_trials"].values(), *state["retry_queue"]):
            self.search.take(self._numbers[trial_id])
