"""Kills `prepare` when it is about to touch a file, and lets another run go on.

Usage: kill_prepare.py FOLDER OUT STEP; FOLDER and OUT stand in one folder. Every
STEP-th moment is tried, and the moments after some images; for each, a line of JSON:
the moment (negative: after that many images), whether the run was
killed, how many images it had journaled, whether its shards were whole already, how
many images the next run read, the files that are there with their sha256, and what is
beside FOLDER and OUT at the end.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import data_pipelines
from data_pipelines.shards import writer  # noqa: F401  children have them

EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")


def run(folder: Path, out: Path, log: Path, kill_at: int | None) -> int:
    """Prepares in a child process; returns its wait status.

    It kills itself before it touches a file for the `kill_at`-th time, or, where that
    is negative, after so many images.
    """
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    touched = 0
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)

    def watch(event: str, args: tuple) -> None:
        nonlocal touched
        if event in EVENTS and str(args[0]).startswith(str(folder.parent)):
            touched += 1
            os.write(descriptor, f"{args[0]}\n".encode())
            if touched == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def count(done: int, total: int) -> None:
        if done == -(kill_at or 0):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    data_pipelines.prepare(data_pipelines.from_folder(folder), out, progress=count)
    os._exit(0)


def main(folder: Path, out: Path, step: int) -> None:
    """Tries every `step`-th moment of an undisturbed run, the last one, and others."""
    log, journal = folder.with_name("log"), out.with_name(f".{out.name}.partial")
    assert run(folder, out, log, None) == 0
    last = len(log.read_text().splitlines())
    for moment in (*range(1, last, step), last, -1, -8, -13, -23):
        shutil.rmtree(out, ignore_errors=True)
        killed = run(folder, out, log, moment) == signal.SIGKILL
        lines = journal / "journal"
        is_whole = out.exists()
        done = lines.read_bytes().count(b"\n") if lines.exists() else 0
        assert run(folder, out, log, None) == 0
        touched = log.read_text().splitlines()
        found = {
            "moment": moment,
            "killed": killed,
            "journaled": done,
            "is_whole": is_whole,
            "read": sum(line.startswith(str(folder)) for line in touched),
            "files": {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(out.iterdir())
            },
            "beside": sorted(path.name for path in folder.parent.iterdir()),
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
