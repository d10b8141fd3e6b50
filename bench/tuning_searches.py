"""The searches that are compared, each driving a meter until its epochs are spent."""

import tempfile
from collections.abc import Callable

import keras_tuner
import optuna
import tuning_gaussian
from tuning_meter import Meter, Problem

from kerastpu.tuning import dimensions, planning
from kerastpu.tuning.halving import Halving

_OBJECTIVE = keras_tuner.Objective("error", "min")
Search = Callable[[Problem, Meter, int, int], None]


def lhs_halving(problem: Problem, meter: Meter, budget: int, seed: int) -> None:
    """Ours: controls that follow from the budget."""
    controls = planning.for_budget(budget, problem.epochs)
    search = Halving(_dimensions(problem.space), controls, seed, budget)
    numbers: dict[int, int] = {}
    while not search.is_over:
        job = search.ask()
        if job is None:
            return
        if job.trial not in numbers:
            numbers[job.trial] = meter.start(job.values)
        errors = meter.train(numbers[job.trial], job.stop - job.start)
        search.tell(job.trial, errors)


def _dimensions(space: keras_tuner.HyperParameters) -> list[dimensions.Dimension]:
    return [_dimension(one) for one in space.space]


def _dimension(one: keras_tuner.engine.hyperparameters.HyperParameter):
    if hasattr(one, "min_value"):
        kind = dimensions.Float if isinstance(one.min_value, float) else dimensions.Int
        is_log = one.sampling == "log"
        return kind(name=one.name, low=one.min_value, high=one.max_value, log=is_log)
    values, is_ordered = tuple(one.values), getattr(one, "ordered", False)
    return dimensions.Choice(name=one.name, choices=values, is_ordered=is_ordered)


def _drive(oracle: keras_tuner.Oracle, problem: Problem, meter: Meter) -> None:
    """Does what a tuner does with an oracle, but for the models."""
    oracle.verbose = 0
    oracle.save = oracle._save_trial = lambda *_: None  # files are not what is compared
    numbers: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        oracle._set_project_dir(folder, "search")
        while (trial := oracle.create_trial("tuner")).status == "RUNNING":
            values = trial.hyperparameters.values
            before = values.get("tuner/initial_epoch", 0)
            after = values.get("tuner/epochs", problem.epochs)
            past = values.get("tuner/trial_id")  # Hyperband goes on with its weights
            number = numbers[past] if past else meter.start(values)
            numbers[trial.trial_id] = number
            errors = meter.train(number, after - before)
            for epoch, error in enumerate(errors, before):
                oracle.update_trial(trial.trial_id, {"error": error}, step=epoch)
            trial.status = "COMPLETED"
            oracle.end_trial(trial)


def _shared(problem: Problem, seed: int) -> dict[str, object]:
    # KerasTuner takes seed 0 for none.
    return {
        "objective": _OBJECTIVE,
        "hyperparameters": problem.space.copy(),
        "seed": seed + 1,
    }


def random(problem: Problem, meter: Meter, budget: int, seed: int) -> None:
    """KerasTuner's RandomSearch: whole trainings."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        max_trials=budget, **_shared(problem, seed)
    )
    _drive(oracle, problem, meter)


def bayesian(problem: Problem, meter: Meter, budget: int, seed: int) -> None:
    """KerasTuner's BayesianOptimization: whole trainings."""
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        max_trials=budget, **_shared(problem, seed)
    )
    oracle.gpr = tuning_gaussian.lean(oracle.gpr)
    _drive(oracle, problem, meter)


def hyperband(problem: Problem, meter: Meter, budget: int, seed: int) -> None:
    """KerasTuner's Hyperband, factor 3, again and again."""
    oracle = keras_tuner.oracles.HyperbandOracle(
        max_epochs=problem.epochs, hyperband_iterations=None, **_shared(problem, seed)
    )
    _drive(oracle, problem, meter)


def tpe_hyperband(problem: Problem, meter: Meter, budget: int, seed: int) -> None:
    """Optuna's TPE with its HyperbandPruner, factor 3."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.HyperbandPruner(1, problem.epochs, 3)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    while True:
        trial = study.ask()
        number = meter.start(
            {one.name: _suggest(trial, one) for one in problem.space.space}
        )
        state = optuna.trial.TrialState.COMPLETE
        for step in range(1, problem.epochs + 1):
            (error,) = meter.train(number, 1)
            trial.report(error, step)
            if trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        is_whole = state == optuna.trial.TrialState.COMPLETE
        study.tell(trial, error if is_whole else None, state)


def _suggest(trial: optuna.Trial, one) -> object:
    if hasattr(one, "min_value"):
        is_float = isinstance(one.min_value, float)
        suggest = trial.suggest_float if is_float else trial.suggest_int
        return suggest(
            one.name, one.min_value, one.max_value, log=one.sampling == "log"
        )
    return trial.suggest_categorical(one.name, list(one.values))


SEARCHES: dict[str, Search] = {
    "lhs-halving": lhs_halving,
    "peer: random": random,
    "peer: Hyperband": hyperband,
    "peer: Bayesian": bayesian,
    "peer: Optuna TPE + Hyperband": tpe_hyperband,
}
PLANNED = ("lhs-halving",)  # what they do depends on the budget
