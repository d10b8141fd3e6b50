"""Searches over presets on small flowers: features once, winner, kills, a team."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kerastpu import presets, run_records
from kerastpu.cli.main import main
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.tuning import budgets, fields, opening, plans, record, tune

RATE = fields.tunable("optimizer.learning_rate", range=(1e-4, 0.3), log=True)
MIXUP = fields.tunable("input.augment.mixup", choices=(0.0, 0.2))


@pytest.fixture(scope="module")
def head_config(flower_folder):
    """A head on features of a small convnet; 8 epochs."""
    tiny = presets.get("tiny")
    training = replace(tiny.training, mode="features", epochs=8, batch_size=16, views=0)
    size = replace(tiny.input, image_size=24, validation_fraction=0.3)
    return replace(tiny, data=str(flower_folder), input=size, training=training)


@pytest.fixture(scope="module")
def tuned(head_config, tmp_path_factory):
    """A search in two stages with its winner."""
    folder = tmp_path_factory.mktemp("tune") / "search"
    plan = plans.Plan(budget=budgets.parse("48 epochs"))
    return tune.tune(head_config, folder, plan), folder


def test_two_stages_the_rate_first(tuned):
    found, folder = tuned
    first, second = opening.studies(folder)
    assert (first.name, second.name) == ("1-rate", "2-regularization")
    assert [d.name for d in first.settings.space] == ["optimizer.learning_rate"]
    rate = first.study.best().values["optimizer.learning_rate"]
    assert second.settings.config.optimizer.learning_rate == rate
    assert first.study.epochs + second.study.epochs == 48
    assert found.values == second.study.best().values


def test_the_settings_one_has_are_tried_too(tuned, head_config):
    first, _ = opening.studies(tuned[1])
    values = first.study.trials[0].values
    assert values["optimizer.learning_rate"] == pytest.approx(
        head_config.optimizer.learning_rate
    )


def test_the_winner_is_a_normal_run_scored_once_on_test(tuned):
    found, folder = tuned
    (run,) = run_records.find(folder)
    assert run.state == run_records.FINISHED
    assert run.path == folder / "winner" == found.winner.workdir
    assert run.config == found.config
    assert {name: fields.get(run.config, name) for name in found.values} == found.values
    assert 0 <= found.winner.accuracy <= 1
    assert not list(folder.glob("*/trials/*/result.json"))


def test_trials_that_have_ended_leave_no_checkpoints(tuned):
    assert list(tuned[1].glob("*/trials/*/metrics.csv"))
    assert not list(tuned[1].glob("*/trials/*/checkpoints"))


def test_a_finished_search_is_only_read(tuned, head_config):
    found, folder = tuned
    plan = plans.Plan(budget=budgets.parse("48 epochs"))
    before = (folder / "1-rate" / record.NAME).read_bytes()
    again = tune.tune(head_config, folder, plan)
    assert (again.values, again.error) == (found.values, found.error)
    assert (folder / "1-rate" / record.NAME).read_bytes() == before
    with pytest.raises(UsageError, match="holds another search"):
        tune.tune(head_config, folder, replace(plan, seed=1))


def test_a_search_looked_at(tuned, tmp_path, capsys):
    folder = str(tuned[1])
    assert main(["tune", "show", folder]) == 0
    assert "2-regularization: lhs-halving" in capsys.readouterr().out
    assert main(["tune", "show", folder, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    epochs = sum(len(t["rows"]) for one in shown.values() for t in one["trials"])
    assert epochs == 48
    assert main(["tune", "export", folder, "--out", str(tmp_path / "e.csv")]) == 0
    assert len((tmp_path / "e.csv").read_text().splitlines()) == 49
    assert main(["tune", "compare", folder, folder, "--json"]) == 0
    capsys.readouterr()
    words = ["plot", folder, "--out", str(tmp_path), "--second", "parameters"]
    assert main(["tune", *words]) == 0
    drawn = {path.name for path in tmp_path.glob("2-*.png")}
    names = ("curves", "timeline", "parallel", "importance", "trade-off")
    assert drawn == {f"2-regularization-{name}.png" for name in names}
    capsys.readouterr()
    assert main(["tune", "resume", folder, "--no-winner", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"] == tuned[0].values


def test_every_trial_of_settings_that_cannot_be_is_told(head_config, tmp_path):
    space = (fields.tunable("training.batch_size", choices=(5000, 6000, 7000)),)
    plan = plans.Plan("random", budgets.parse("9 trials"), space=space)
    with pytest.raises(KerastpuError, match=r"3 trials failed .*batch_size"):
        tune.tune(head_config, tmp_path / "search", plan)


def test_plans_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="needs a budget"):
        plans.check(plans.Plan("random"))
    with pytest.raises(UsageError, match="max_epochs is of lhs-halving"):
        plans.check(plans.Plan("grid", controls=(("max_epochs", 2.0),)))
    with pytest.raises(UsageError, match="search must be one of"):
        plans.check(plans.Plan("best"))


def test_wrong_words_end_with_2(capsys):
    assert main(["tune", "tiny", "--budget", "10 days"]) == 2
    assert main(["tune", "tiny", "--space", "optimizer.speed=1:2"]) == 2
    assert main(["tune", "show", "nowhere"]) == 2
    assert main(["tune", "tiny", "--listen", "here"]) == 2


def command(config, *words):
    """Returns a process of the command line, in a folder of its own cache."""
    return subprocess.Popen(
        [sys.executable, "-m", "kerastpu", "tune", *words],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def words_of(config, folder):
    return (
        *("tiny", "--data", config.data, "--workdir", str(folder)),
        *("--input.image-size", "24", "--training.epochs", "4", "--no-winner"),
        *(
            "--num-trials",
            "4",
            "--refills",
            "1",
            "--space",
            "optimizer.learning_rate=1e-4:0.3:log",
        ),
    )


def epochs_of(folder):
    events = record.read(folder / tune.CUSTOM)
    return [(e["trial"], e["epoch"]) for e in events if e["event"] == record.EPOCH]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_that_is_killed_goes_on_from_the_last_epoch(head_config, tmp_path):
    folder = tmp_path / "search"
    for kills in range(3):
        process = command(head_config, *words_of(head_config, folder))
        before, deadline = len(epochs_of(folder)), time.monotonic() + 400
        while len(epochs_of(folder)) < before + 2 and time.monotonic() < deadline:
            time.sleep(0.02)
            assert process.poll() is None, process.stderr.read()[-2000:]
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = epochs_of(folder)
        assert len(done) >= before + 2
        assert len(done) == len(set(done)), f"trained twice after {kills} kills"
    assert main(["tune", "resume", str(folder), "--no-winner"]) == 0
    done = epochs_of(folder)
    assert len(done) == len(set(done))
    (one,) = opening.studies(folder)
    assert all(trial.has_ended for trial in one.study.trials)
    assert max(trial.epochs for trial in one.study.trials) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_workers_share_a_search_and_one_may_die(head_config, tmp_path, free_port):
    folder, address = tmp_path / "search", f"127.0.0.1:{free_port}"
    listen = ("--listen", address, "--lease-seconds", "30")
    team = [command(head_config, *words_of(head_config, folder), *listen)]
    deadline = time.monotonic() + 400
    while not (folder / plans.NAME).is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    team += [command(head_config, "work", str(folder), address) for _ in range(2)]
    try:
        while not epochs_of(folder) and time.monotonic() < deadline:
            time.sleep(0.02)
        team[1].send_signal(signal.SIGKILL)
        codes = [process.wait(timeout=400) for process in team]
    finally:
        for process in team:
            process.kill()
    assert codes == [0, -signal.SIGKILL, 0], team[0].stderr.read()[-2000:]
    done = epochs_of(folder)
    assert len(done) == len(set(done))
    (one,) = opening.studies(folder)
    assert all(trial.has_ended for trial in one.study.trials)
