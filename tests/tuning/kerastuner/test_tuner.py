"""KerasTuner's own search loop with our Oracle and Tuner."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import keras
import keras_tuner
import numpy as np
import pytest

from kerastpu.errors import UsageError
from kerastpu.tuning.kerastuner import LHSHalvingOracle, oracle
from tests.tuning import searches

SCRIPT = Path(searches.__file__)


class Beginnings(keras.callbacks.Callback):
    """Notes optimizer steps and epochs at the beginning of each stretch."""

    seen: ClassVar[list] = []

    def on_epoch_begin(self, epoch, logs=None):
        steps = int(self.model.optimizer.iterations.numpy())
        Beginnings.seen.append((epoch, steps))


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    Beginnings.seen = []
    made = searches.make(tmp_path_factory.mktemp("search"))
    searches.search(made, Beginnings())
    return made


def test_the_first_sets_are_stratified_and_conditional(tuner):
    first = [trial for trial in tuner.oracle.search.trials if trial.cohort == 0]
    rates = [np.log(trial.values["rate"] / 1e-4) / np.log(1e4) for trial in first]
    assert sorted(np.floor(np.array(rates) * 6).astype(int)) == list(range(6))
    names = [trial.values["optimizer"] for trial in first]
    assert names.count("sgd") == 3
    momenta = [t.values["momentum"] / 0.9 for t in first if "momentum" in t.values]
    assert sorted(np.floor(np.array(momenta) * 3).astype(int)) == [0, 1, 2]
    assert [trial.values["dropout"] for trial in first].count(True) == 3


def test_the_iteration_count_of_the_optimizer_is_continuous(tuner):
    assert {epoch for epoch, _ in Beginnings.seen} == {0, 1, 2}
    assert all(steps == 6 * epoch for epoch, steps in Beginnings.seen)


def test_training_in_pieces_is_training_in_one(tuner):
    trials = tuner.oracle.search.trials
    survivors = [trial for trial in trials if trial.epochs == 3]
    assert len(survivors) >= 2
    inputs, labels = searches.data()
    for trial in survivors:
        hp = tuner.oracle.get_space()
        hp.values = dict(trial.values)
        history = searches.build(hp).fit(
            inputs,
            labels,
            batch_size=8,
            shuffle=False,
            epochs=3,
            validation_data=(inputs, labels),
            verbose=0,
        )
        np.testing.assert_allclose(history.history["val_loss"], trial.curve, rtol=1e-4)


def test_the_best_model_is_that_of_the_best_trial(tuner):
    inputs, labels = searches.data()
    best = tuner.oracle.get_best_trials()[0]
    model = tuner.get_best_models()[0]
    loss = model.evaluate(inputs, labels, verbose=0)[0]
    assert loss == pytest.approx(best.score, rel=1e-4)


def ask_all(seed, stop=100, **options):
    """Returns the values that an Oracle asks for, answered by their rates."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    asked = LHSHalvingOracle(
        keras_tuner.Objective("val_loss", "min"),
        seed=seed,
        hyperparameters=hp,
        **({"max_epochs": 1, "num_trials": 9} | options),
    )
    asked._set_project_dir(options.get("folder", "."), "p")
    return asked


def answer(asked, trial):
    values = trial.hyperparameters.values
    for epoch in range(values[oracle.INITIAL], values[oracle.EPOCHS]):
        error = abs(np.log10(values["rate"]) + 2) + 1 / (epoch + 1)
        asked.update_trial(trial.trial_id, {"val_loss": error}, step=epoch)
    trial.status = "COMPLETED"
    asked.end_trial(trial)


def run(asked, jobs=1000):
    seen = []
    while len(seen) < jobs:
        trial = asked.create_trial("tuner0")
        if trial.status == "STOPPED":
            break
        seen.append(trial.hyperparameters.values)
        answer(asked, trial)
    return seen


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_seed_0_is_a_seed_like_any_other(project):
    assert run(ask_all(0), 9) == run(ask_all(0), 9) != run(ask_all(1), 9)


@pytest.mark.parametrize("jobs", [0, 1, 9, 14])
def test_a_search_that_is_reloaded_goes_on_as_if_nothing_had_been(project, jobs):
    whole = run(ask_all(0))
    first = ask_all(0)
    before = run(first, jobs)
    lost = first.create_trial("tuner0")  # and the process dies
    first.update_trial(lost.trial_id, {"val_loss": 7.0}, step=0)
    second = ask_all(0)
    second.reload()
    assert before + run(second) == whole


def test_a_project_of_another_search_is_not_taken_up(project):
    run(ask_all(0), 3)
    for other in (ask_all(1), ask_all(0, num_trials=8)):
        with pytest.raises(UsageError, match="other controls or another seed"):
            other.reload()


def test_an_error_gives_the_lock_back(project):
    asked = LHSHalvingOracle("val_loss", seed=0)
    asked._set_project_dir(".", "p")
    for _ in range(2):  # the second call would wait for ever
        with pytest.raises(UsageError, match="asks for no hyperparameter"):
            asked.create_trial("tuner0")


def test_a_space_of_few_sets_ends_when_all_have_been_tried(project):
    hp = keras_tuner.HyperParameters()
    hp.Choice("rate", [0.1, 0.01, 0.001])
    asked = LHSHalvingOracle(
        "val_loss", seed=0, hyperparameters=hp, max_epochs=1, num_trials=9, refills=99
    )
    asked._set_project_dir(".", "p")
    assert {values["rate"] for values in run(asked)} == {0.1, 0.01, 0.001}


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(UsageError, match="tune_retention"):
        searches.make(tmp_path, tune_retention=1.5)
    with pytest.raises(UsageError, match="executions_per_trial"):
        searches.make(tmp_path, executions_per_trial=2)
    with pytest.raises(UsageError, match="epochs is what the search decides"):
        searches.make(tmp_path).search(epochs=3)


def start(folder, name, port, dies_after=0):
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(dies_after)],
        env=os.environ
        | {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
            "PYTHONPATH": str(Path.cwd()),
        },
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_trial_of_a_dead_worker_goes_to_another(tmp_path, free_port):
    team = [
        start(tmp_path, "chief", free_port),
        start(tmp_path, "tuner0", free_port, dies_after=2),
        start(tmp_path, "tuner1", free_port),
    ]
    try:
        codes = [process.wait(timeout=500) for process in team]
    finally:
        for process in team:
            process.kill()
    assert codes == [0, -signal.SIGKILL, 0]
    trials = json.loads((tmp_path / "trials.json").read_text())
    assert len(trials) == 8
    assert {state for state, _ in trials} == {"finished", "dropped"}
    assert sorted(epochs for _, epochs in trials)[:4] == [1] * 4
