"""A search with its record: budgets, stops, and what is left after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kerastpu.errors import UsageError
from kerastpu.tuning import budgets, record, search
from kerastpu.tuning.budgets import Budget
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.dimensions import Choice, Float
from kerastpu.tuning.recorded import RecordedSearch
from kerastpu.tuning.study import Study

SPACE = (
    Float("rate", low=1e-4, high=1.0, log=True),
    Choice("optimizer", choices=("sgd", "adam", "lion")),
    Float("momentum", (("optimizer", ("sgd",)),), low=0, high=0.99),
)


def make(folder, name="lhs-halving", budget=None, **options):
    budget = budget or Budget()
    made = search.build(
        name,
        SPACE,
        controls=Controls(1, 3, 9),
        longest=9,
        seed=0,
        max_trials=budget.trials,
        epochs=budget.epochs,
    )
    return Study(made, folder, budget=budget, num_validation=100, **options)


def row(values, epoch):
    error = 0.1 * abs(np.log10(values["rate"]) + 2) + 0.5 / epoch
    return {"loss": 1.0, "val_loss": error, "val_accuracy": 1 - error, "seconds": 9.0}


def run(study, jobs=10_000, asked=None, after_epoch=lambda: None):
    """Works off some jobs; what a worker has trained it knows, as from a checkpoint."""
    while jobs and not study.is_over:
        job = study.ask()
        if job is None:
            break
        if asked is not None:
            asked.append((job.trial, job.start, job.stop))
        rows = [row(job.values, e + 1) for e in range(len(study.facts[job.trial].rows))]
        while study.report(job.trial, rows):
            rows.append(row(job.values, len(rows) + 1))
            after_epoch()
        study.tell(job.trial, facts={"parameters": 7})
        jobs -= 1
    return study


@pytest.mark.parametrize("name", search.SEARCHES)
def test_a_study_goes_on_where_its_record_ends(name, tmp_path):
    whole, broken, budget = tmp_path / "whole", tmp_path / "broken", Budget(epochs=70)
    whole.mkdir(), broken.mkdir()
    expected = []
    run(make(whole, name, budget), asked=expected)
    asked = []
    while not (study := make(broken, name, budget)).is_over:
        run(study, jobs=3, asked=asked)
    assert asked == expected
    assert [t.to_dict() for t in study.trials] == [
        t.to_dict() for t in make(whole, name, budget).trials
    ]
    assert study.epochs == 70


@pytest.mark.parametrize("name", search.SEARCHES)
def test_a_budget_in_epochs_is_kept_to_the_epoch(name, tmp_path):
    study = run(make(tmp_path, name, Budget(epochs=41)))
    assert study.epochs == 41 == sum(trial.epochs for trial in study.trials)


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_a_budget_in_trials_is_kept(name, tmp_path):
    study = run(make(tmp_path, name, Budget(trials=5)))
    assert [trial.epochs for trial in study.trials] == [9] * 5


def test_a_budget_in_seconds_ends_within_an_epoch(tmp_path):
    now = [0.0]

    def epoch():
        now[0] += 1.0

    study = make(tmp_path, "random", Budget(seconds=20.5), clock=lambda: now[0])
    run(study, after_epoch=epoch)
    assert study.epochs == 21
    again = make(tmp_path, "random", Budget(seconds=20.5), clock=lambda: now[0])
    assert again.is_over and again.ask() is None
    assert again.seconds == study.seconds == 21.0


def test_the_loss_decides_among_equal_shares_of_wrong_images(tmp_path):
    study = make(tmp_path)
    job = study.ask()
    rows = [{"val_loss": 0.4, "val_accuracy": 0.9}]
    study.report(job.trial, rows)
    (error,) = study.errors(job.trial)
    assert 0.1 < error < 0.1 + 1 / 100


def test_a_trial_below_the_median_is_stopped(tmp_path):
    study = run(make(tmp_path, "random", Budget(trials=16), stops_below_median=True))
    stopped = [t for t in study.trials if study.facts[t.number].reason == "median"]
    assert 2 <= len(stopped) <= 11
    assert min(trial.epochs for trial in stopped) >= 3
    finished = [trial for trial in study.trials if trial not in stopped]
    best = min(trial.curve[2] for trial in study.trials)
    assert best in [trial.curve[2] for trial in finished]


def test_a_trial_that_fails_is_told_and_the_search_goes_on(tmp_path):
    study = make(tmp_path)
    job = study.ask()
    study.report(job.trial, [row(job.values, 1)])
    study.tell(job.trial, failure="the loss is not finite in epoch 2")
    run(study)
    assert study.trials[job.trial].state == "failed"
    assert study.facts[job.trial].reason == "the loss is not finite in epoch 2"
    assert study.best().number != job.trial
    assert make(tmp_path).trials[job.trial].state == "failed"


def test_a_job_of_a_dead_worker_is_given_out_again(tmp_path):
    study = make(tmp_path)
    lost = study.ask()
    study.report(lost.trial, [])
    study.hand_back(lost.trial)
    asked = []
    run(study, asked=asked)
    assert asked.count((lost.trial, 0, 1)) == 1
    assert [t.to_dict() for t in make(tmp_path).trials] == [
        t.to_dict() for t in study.trials
    ]


def test_a_torn_last_line_is_cut_off(tmp_path):
    run(make(tmp_path), jobs=4)
    path = tmp_path / record.NAME
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event":"ask","tri')
    run(make(tmp_path))
    assert path.read_bytes().startswith(whole)
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_damaged_record_is_told(tmp_path):
    run(make(tmp_path), jobs=2)
    path = tmp_path / record.NAME
    path.write_bytes(b"?" + path.read_bytes())
    with pytest.raises(UsageError, match="is damaged"):
        make(tmp_path)


def test_another_search_does_not_go_on_with_a_record(tmp_path):
    run(make(tmp_path, "hyperband", Budget(epochs=30)))
    with pytest.raises(UsageError, match="is of another search or version"):
        make(tmp_path, "random", Budget(epochs=30))


@pytest.mark.parametrize("name", search.SEARCHES)
def test_a_record_is_read_without_the_search_that_made_it(name, tmp_path):
    made = run(make(tmp_path, name, Budget(epochs=50)))
    before = (tmp_path / record.NAME).read_bytes()
    read = Study(RecordedSearch(9), tmp_path, num_validation=100, reads=True)
    for ours, theirs in zip(read.trials, made.trials, strict=False):
        assert (ours.values, ours.curve) == (theirs.values, theirs.curve)
        # What the budget cut off looks as if it had been dropped.
        assert ours.state == theirs.state or theirs.state in ("resting", "stopped")
    assert read.best().number == made.best().number
    assert (tmp_path / record.NAME).read_bytes() == before


SCRIPT = """
import sys, time
from pathlib import Path
from tests.tuning.test_study import make, run
study = make(Path(sys.argv[1]))
print(study.epochs, flush=True)
run(study, after_epoch=lambda: time.sleep(0.02))
print("over", flush=True)
"""


def test_a_process_may_be_killed_at_any_moment(tmp_path):
    """Only the running epoch is lost, and the end is that of an unbroken search."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir(), broken.mkdir()
    expected = run(make(whole))
    random = np.random.default_rng(0)
    for _ in range(60):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(broken)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            text=True,
        )
        seen = len(record.read(broken))
        known = int(process.stdout.readline())
        epochs = [e for e in record.read(broken) if e["event"] == record.EPOCH]
        assert known >= 0
        time.sleep(random.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        is_over = "over" in process.stdout.read()
        process.wait(timeout=30)
        events = record.read(broken)
        assert len(events) >= seen
        done = [e for e in events if e["event"] == record.EPOCH]
        assert done[: len(epochs)] == epochs
        places = [(e["trial"], e["epoch"]) for e in done]
        assert len(places) == len(set(places))  # none was trained twice
        if is_over:
            break
    assert is_over
    assert [t.to_dict() for t in make(broken).trials] == [
        t.to_dict() for t in expected.trials
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", Budget(seconds=600)),
        ("90 s", Budget(seconds=90)),
        ("1.5h", Budget(seconds=5400)),
        ("300 epochs", Budget(epochs=300)),
        ("1 trial", Budget(trials=1)),
    ],
)
def test_a_budget_is_read_from_a_word(text, expected):
    assert budgets.parse(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0s", "1.5 epochs", "5 days"])
def test_a_budget_of_another_form_is_refused(text):
    with pytest.raises(UsageError, match="budget must"):
        budgets.parse(text)
