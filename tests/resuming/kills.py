"""Runs that are killed again and again, and what is left of them in the end."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

TIMES = ("seconds", "images_per_second")  # columns that no two runs have alike
SECONDS = 120  # for one process


def start(workdir, flags, backend):
    """Starts the command in a process of its own."""
    command = [sys.executable, "-m", "kerastpu", "train", *flags]
    return subprocess.Popen(
        [*command, "--workdir", str(workdir)],
        env=os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(workdir, flags, backend):
    """Runs the command to its end; returns the exit code and what it printed."""
    process = start(workdir, flags, backend)
    try:
        printed, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return process.returncode, printed


def wait(process, is_so):
    """Waits until something is so; returns whether the process still runs."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.0005)
    return False


def is_writing(workdir):
    """Whether a checkpoint is being written."""
    return any((Path(workdir) / "checkpoints").glob(".*"))


def newest(workdir):
    """Returns the name of the newest checkpoint, or nothing."""
    return max((p.name for p in Path(workdir).glob("checkpoints/step*")), default="")


def kill_often(workdir, flags, backend, num_kills, seed=0):
    """Kills the run at random moments, then lets it end; returns kills in writes."""
    choose, in_writes = random.Random(seed), 0
    for number in range(num_kills):
        before = newest(workdir)
        process = start(workdir, flags, backend)
        # Later than what has been reached, or no run would ever get on.
        assert wait(process, lambda old=before: newest(workdir) > old), (
            process.communicate()[0]
        )
        if number % 3 == 0:
            wait(process, lambda: is_writing(workdir))
        else:
            time.sleep(choose.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        in_writes += is_writing(workdir)
    code, printed = finish(workdir, flags, backend)
    assert code == 0, printed
    return in_writes


def outcome(workdir):
    """Returns what must be the same: metrics, and the bytes of both models' weights."""
    with (Path(workdir) / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in TIMES:
            del row[name]
    weights = []
    for name in ("model.keras", "last.keras"):
        with zipfile.ZipFile(Path(workdir) / name) as archive:
            weights.append(archive.read("model.weights.h5"))
    return rows, weights
