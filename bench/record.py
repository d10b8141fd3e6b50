"""Adds finished runs to a results table.

`python bench/record.py [--untimed] TABLE.csv RUN...`; --untimed = other work ran
meanwhile, so that the time says nothing. Columns are explained in results/README.md.
The working tree must be committed, so that the commit beside a figure is the code that
made it.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from kerastpu import doctor, presets, runs
from kerastpu.config import Config
from kerastpu.presets import cards

COLUMNS = (
    *("date", "commit", "command", "preset", "changed", "recipe"),
    *("data", "is_synthetic", "hardware", "accelerator"),
    *("seed", "train", "validation", "test", "accuracy", "low", "high", "macro_f1"),
    *("loss", "seconds", "kerastpu", "tensorflow", "keras"),
)


def commit() -> str:
    """Returns the commit, marked where the tree holds changes beside the tables."""
    git = ["git", "-C", str(Path(__file__).parent)]
    head = subprocess.check_output([*git, "rev-parse", "--short=12", "HEAD"], text=True)
    changed = subprocess.check_output(
        [*git, "status", "--porcelain", "--", ":/", ":!/results"], text=True
    )
    return head.strip() + ("-modified" if changed else "")


def without_paths(text: str) -> str:
    """Replaces the user's data folder by the name of its variable.

    A path that is left belongs to one machine: it ends the program.
    """
    folder = os.environ.get("KERASTPU_DATA")
    text = text.replace(folder.rstrip("/"), "$KERASTPU_DATA") if folder else text
    if path := re.search(r"(?<![^\s=])/\S+", text):
        sys.exit(f"set KERASTPU_DATA to the folder of data sets that holds {path[0]}")
    return text


def command(words: Sequence[str]) -> str:
    """Returns what was typed, less --workdir, in one line."""
    program = "kerastpu" if words[0] == "__main__.py" else words[0]  # python -m
    text = re.sub("\0--workdir[\0=][^\0]*", "", "\0".join([program, *words[1:]]))
    return without_paths(text.replace("\0", " "))


def hardware() -> str:
    """Returns the processor, its widest vectors, its cores and the memory."""
    size = doctor.memory_bytes()
    memory = [f"{round(size / doctor.GIB)} GiB"] if size else []
    return ", ".join([doctor.processor(), *memory])


def changed(config: Config) -> str:
    """Returns the settings that differ from the preset's, but for data and seed."""
    ours, its = (
        runs.flatten(one.to_dict()) for one in (config, presets.get(config.preset))
    )
    return " ".join(
        f"{key}={value}"
        for key, value in ours.items()
        if value != its[key] and key not in ("data", "seed")
    )


def row(workdir: Path, *, is_timed: bool = True) -> dict[str, object]:
    """Returns the table row of one finished run, with its time or without."""
    run = runs.load_run(workdir)
    if is_timed and not run.result.get("features", {}).get("computed", 1):
        sys.exit(f"{workdir} found its features in the cache: its time says nothing")
    environment = json.loads((workdir / runs.ENVIRONMENT).read_text("utf-8"))
    scores, data = run.result["test"], run.result["data"]
    return {
        "date": date.today().isoformat(),
        "commit": commit(),
        "command": command(environment["command"]),
        "preset": run.config.preset,
        "changed": changed(run.config),
        "recipe": cards.recipe(run.config),
        "data": without_paths(data["name"]),
        "is_synthetic": data["is_synthetic"],
        "hardware": hardware(),
        "accelerator": run.result["accelerator"]["summary"],
        "seed": run.config.seed,
        **data["counts"],
        "accuracy": round(scores["accuracy"], 4),
        "low": round(scores["interval"][0], 4),
        "high": round(scores["interval"][1], 4),
        "macro_f1": round(scores["macro_f1"], 4),
        "loss": round(scores["loss"], 4),
        "seconds": run.result["seconds"]["total"] if is_timed else "",
        "kerastpu": environment["kerastpu"],
        "tensorflow": environment["packages"]["tensorflow"],
        "keras": environment["packages"]["keras"],
    }


def append(
    table: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Adds rows to a table, which is made with its header where it is absent."""
    is_new = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Appends one row for each run folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--untimed", action="store_true")
    parser.add_argument("table", type=Path)
    parser.add_argument("workdirs", type=Path, nargs="+")
    given = parser.parse_args()
    rows = [row(workdir, is_timed=not given.untimed) for workdir in given.workdirs]
    append(given.table, COLUMNS, rows)


if __name__ == "__main__":
    main()
