"""A run that is asked to stop, and one that finds another at work in its folder."""

import os
import signal
import subprocess
import sys
import time

import kills
import pytest

import kerastpu
from kerastpu import presets, runs
from kerastpu.errors import UsageError

LONG = (
    *("tiny", "--training.epochs", "500", "--training.patience", "0"),
    *("--training.checkpoint-seconds", "1000"),
)


def wait_for_steps(process, workdir):
    """Waits until the run is in its second epoch."""
    path = workdir / "metrics.csv"
    assert kills.wait(process, path.exists), process.communicate()[0]


@pytest.mark.parametrize(
    ("number", "code", "backend"),
    [(signal.SIGTERM, 0, "tensorflow"), (signal.SIGINT, 130, "jax")],
)
def test_stopped_run_is_saved_and_goes_on(
    number, code, backend, flower_folder, tmp_path
):
    flags, workdir = (*LONG, "--data", str(flower_folder)), tmp_path / "run"
    process = kills.start(workdir, flags, backend)
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
    assert len(list((workdir / "checkpoints").iterdir())) == 1
    process = kills.start(workdir, flags, backend)
    assert kills.wait(process, lambda: "steps done" in process.stdout.readline())
    process.kill()
    process.communicate()


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


def test_folder_of_a_run_that_died_at_once_is_taken(tmp_path):
    """What it left is its lock, and its config under a temporary name."""
    (tmp_path / ".lock").write_text("123")
    (tmp_path / ".123.config.json").write_text("{")
    runs.open_run(tmp_path, presets.get("tiny"))
    assert {path.name for path in tmp_path.iterdir()} == {
        *(".lock", "config.json", "env.json")
    }
