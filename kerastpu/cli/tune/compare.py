"""`kerastpu tune compare FOLDER FOLDER ...`: what several searches found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from kerastpu import text_table
from kerastpu.cli import parsing


@dataclass(frozen=True)
class CompareArguments:
    """Compares searches: what each cost, and the error of the best it found."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """Of searches, or of single studies."""
    json: bool = False
    """Print one JSON array."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(CompareArguments, arguments, "tune compare")
    from kerastpu.tuning import opening

    found = [
        _facts(folder, one)
        for folder in parsed.folders
        for one in opening.studies(folder)
    ]
    if parsed.json:
        print(json.dumps(found, indent=2))
        return 0
    header = [
        "study",
        "search",
        "trials",
        "epochs",
        "seconds",
        "error",
        "best settings",
    ]
    rows = [
        [
            f"{one['folder']} {one['study']}",
            one["search"],
            str(one["trials"]),
            str(one["epochs"]),
            f"{one['seconds']:.0f}",
            "-" if one["error"] is None else f"{one['error']:.2%}",
            ", ".join(
                f"{name.rpartition('.')[2]} {value:.3g}"
                if isinstance(value, float)
                else f"{name.rpartition('.')[2]} {value}"
                for name, value in one["values"].items()
            ),
        ]
        for one in found
    ]
    print("\n".join(text_table.lines(header, rows, header[2:6])))
    return 0


def _facts(folder: Path, one: Any) -> dict[str, Any]:
    usable = any(trial.is_usable for trial in one.study.trials)
    best = one.study.best() if usable else None
    return {
        "folder": str(folder),
        "study": one.name,
        "search": one.settings.search,
        "trials": len(one.study.trials),
        "epochs": one.study.epochs,
        "seconds": one.study.seconds,
        "error": best and best.curve[-1],
        "values": best.values if best else {},
    }
