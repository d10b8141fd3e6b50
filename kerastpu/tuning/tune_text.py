"""What a search has found, as text."""

from pathlib import Path
from typing import Any

from kerastpu import run_records, text_table
from kerastpu.runs import RunResult
from kerastpu.tuning.tune import Tuned


def lines(tuned: Tuned, workdir: Path, baseline: RunResult | None) -> list[str]:
    """Returns the best settings, and how runs with and without them did."""
    found = [
        f"best settings, {tuned.error:.2%} of the validation images wrong:",
        *(f"  {name} = {value}" for name, value in _settings(tuned).items()),
    ]
    runs = {"as it was": baseline, "winner": tuned.winner}
    rows = [
        [name, *_scores(run), str(run.workdir)]
        for name, run in runs.items()
        if run is not None
    ]
    if rows:
        header = ["run", "validation error", "test error", "95 % interval", "folder"]
        found += ["", *text_table.lines(header, rows, header[1:4])]
    return [*found, "", f"kerastpu tune plot {workdir} draws what was tried"]


def as_dict(tuned: Tuned, baseline: RunResult | None) -> dict[str, Any]:
    """Returns the same as plain values, ready for `json`."""
    runs = {"winner": tuned.winner, "baseline": baseline}
    return {
        "values": _settings(tuned),
        "validation_error": tuned.error,
        "studies": [str(folder) for folder in tuned.folders],
        **{
            name: {
                "workdir": str(run.workdir),
                "validation_error": validation_error(run),
                "test_error": 1 - run.accuracy,
            }
            for name, run in runs.items()
            if run is not None
        },
    }


def validation_error(run: RunResult) -> float:
    """Returns the share of the validation images wrong after the epoch kept."""
    record = run_records.read(run.workdir)
    epoch = record.best_epoch or 1
    return 1 - record.history["val_accuracy"][epoch - 1]


def _scores(run: RunResult) -> list[str]:
    low, high = run.result["test"]["interval"]
    return [
        f"{validation_error(run):.2%}",
        f"{1 - run.accuracy:.2%}",
        f"{1 - high:.2%} to {1 - low:.2%}",
    ]


def _settings(tuned: Tuned) -> dict[str, Any]:
    """Returns all settings that were searched in any stage."""
    from kerastpu.tuning import fields, settings

    names = [
        dimension.name
        for folder in tuned.folders
        for dimension in settings.read(folder).space
    ]
    return {name: fields.get(tuned.config, name) for name in dict.fromkeys(names)}
