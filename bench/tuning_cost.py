"""What the searches themselves take: processor time of asking, telling and recording.

`python bench/tuning_cost.py` drives the oracle of lhs-halving on a surface, with all of
the files that KerasTuner keeps, and prints milliseconds for each set of values.
"""

import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_tuner
import tuning_surfaces

from kerastpu.tuning import planning
from kerastpu.tuning.kerastuner import LHSHalvingOracle

TRAININGS = 16


def main() -> None:
    """Measures and prints."""
    for name, problem in tuning_surfaces.SURFACES.items():
        budget = TRAININGS * problem.epochs
        plan = planning.for_budget(budget, problem.epochs)
        oracle = LHSHalvingOracle(
            keras_tuner.Objective("error", "min"),
            max_epochs=plan.max_epochs,
            tune_iterations=plan.tune_iterations,
            num_trials=plan.num_trials,
            tune_retention=plan.tune_retention,
            refills=budget,
            budget=budget,
            seed=0,
            hyperparameters=problem.space.copy(),
        )
        oracle.verbose = 0
        with tempfile.TemporaryDirectory() as folder:
            oracle._set_project_dir(folder, "search")
            sets, jobs, seconds = drive(oracle, problem)
        print(
            f"{name:12} {sets} sets in {jobs} jobs, {budget} epochs: "
            f"{1000 * seconds / sets:.1f} ms a set, {1000 * seconds / jobs:.1f} a job"
        )


def drive(oracle, problem) -> tuple[int, int, float]:
    """Returns sets, jobs and seconds of the processor."""
    known = {one.name for one in problem.space.space}
    curves: dict[str, list[float]] = {}
    begin = time.process_time()
    while (trial := oracle.create_trial("tuner")).status == "RUNNING":
        values = trial.hyperparameters.values
        mine = {name: values[name] for name in values if name in known}
        key = repr(mine)
        if key not in curves:
            curves[key] = [seen for seen, _ in problem.run(mine, 0)]
        for epoch in range(values["tuner/initial_epoch"], values["tuner/epochs"]):
            oracle.update_trial(trial.trial_id, {"error": curves[key][epoch]}, epoch)
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return len(curves), len(oracle.trials), time.process_time() - begin


if __name__ == "__main__":
    main()
