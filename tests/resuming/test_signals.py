"""A run that is asked to stop, and one that finds another at work in its folder."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import kills
import pytest

import kerastpu
from kerastpu import presets, runs, stopping
from kerastpu.errors import UsageError
from kerastpu.features import features_root
from kerastpu.resuming.checkpoints import Checkpoints
from kerastpu.run_lock import RunLock

LONG = (
    *("tiny", "--training.epochs", "500", "--training.patience", "0"),
    *("--training.checkpoint-seconds", "1000"),
)


def wait_for_steps(process, workdir):
    """Waits until the run is in its second epoch."""
    path = workdir / "metrics.csv"
    assert kills.wait(process, path.exists), process.communicate()[0]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_stopped_run_is_saved(number, code, flower_folder, tmp_path):
    flags, workdir = (*LONG, "--data", str(flower_folder)), tmp_path / "run"
    process = kills.start(workdir, flags, "tensorflow")
    wait_for_steps(process, workdir)
    config = kerastpu.config.Config.from_json((workdir / "config.json").read_text())
    with pytest.raises(UsageError, match=f"process {process.pid} trains in"):
        kerastpu.train(config, workdir)
    process.send_signal(number)
    start = time.monotonic()
    printed, _ = process.communicate(timeout=60)
    assert time.monotonic() - start < 10
    assert process.returncode == code, printed
    assert "the same command goes on from here" in printed
    assert "Traceback" not in printed
    assert Checkpoints(workdir / "checkpoints").newest()["step"] > 0


def test_what_comes_inside_of_an_import_is_looked_at_shortly_after():
    source = "import signal; signal.raise_signal(signal.SIGTERM); seen = True"
    place = compile(source, "<frozen importlib._bootstrap>", "exec")
    found = {}
    with pytest.raises(SystemExit) as caught, stopping.watching():
        exec(place, found)  # where Python would drop what is raised
        time.sleep(5)
    assert found["seen"] and caught.value.code == 0


WAITS = """
import sys, time
from kerastpu import stopping
stopping.GRACE_SECONDS = 0.5
with stopping.watching() as watched:
    watched.is_deferred = sys.argv[1] == "deferred"
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("number", "mode", "code"),
    [
        (signal.SIGTERM, "at-once", 0),
        (signal.SIGTERM, "deferred", 0),  # a step that takes too long
        (signal.SIGINT, "at-once", -signal.SIGINT),
    ],
)
def test_work_outside_of_steps_just_stops(number, mode, code):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS, mode], stdout=subprocess.PIPE, env=os.environ
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    try:
        assert process.wait(20) == code
    finally:
        process.kill()
        process.communicate()


LIVES_ON = """
import os, signal, sys, time
from kerastpu import stopping
stopping.GRACE_SECONDS = 0.2
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    with stopping.watching():
        os.kill(os.getpid(), signal.SIGINT)
        print("ignored", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
except SystemExit:
    time.sleep(0.6)
    print("lives on")
"""


def test_what_was_ignored_stays_so_and_a_caller_may_live_on():
    done = subprocess.run(
        [sys.executable, "-c", LIVES_ON], stdout=subprocess.PIPE, text=True, timeout=60
    )
    assert done.stdout.split("\n") == ["ignored", "lives on", ""]


def test_lock_of_another_process_is_left_alone(tmp_path):
    """As where a folder vanished and was made anew while a run went on."""
    workdir = tmp_path / "run"
    with RunLock(workdir) as lock:
        lock.take()
        (workdir / ".lock").unlink()
        (workdir / ".lock").write_text("123")
    assert (workdir / ".lock").read_text() == "123"


def test_other_data_is_refused_before_the_long_work(head_run, tmp_path):
    runs.open_run(tmp_path, head_run.config)
    Checkpoints(tmp_path / runs.CHECKPOINTS).write(1, {"identity": {"data": "roses"}})
    found = set(features_root().rglob("*"))
    config = dataclasses.replace(head_run.config, seed=1)  # its features are not there
    (tmp_path / runs.CONFIG).write_text(config.to_json())
    with pytest.raises(UsageError, match="begun with data roses, and here it is"):
        kerastpu.train(config, tmp_path)
    assert set(features_root().rglob("*")) == found


def test_other_packages_are_told_of(tmp_path, caplog):
    config = presets.get("tiny")
    runs.open_run(tmp_path, config)
    runs.open_run(tmp_path, config)
    assert not caplog.text
    path = tmp_path / "env.json"
    path.write_text(path.read_text().replace('"numpy": "', '"numpy": "0.'))
    runs.open_run(tmp_path, config)
    assert "begun with numpy 0." in caplog.text
    path.write_text("[]")
    runs.open_run(tmp_path, config)


def test_folder_of_a_run_that_died_at_once_is_taken(tmp_path):
    """What it left is its lock, and its config under a temporary name."""
    (tmp_path / ".lock").write_text("123")
    (tmp_path / ".123.config.json").write_text("{")
    runs.open_run(tmp_path, presets.get("tiny"))
    assert {path.name for path in tmp_path.iterdir()} == {
        *(".lock", "config.json", "env.json")
    }
