"""`kerastpu runs compare RUN RUN ...`: what differs between runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu.cli import parsing, picture
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class CompareArguments:
    """Compares runs: settings that differ, scores, and whether chance explains them."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, two or more; the first is what the others are held against."""
    out: Path | None = None
    """Draw the validation loss and accuracy of all of them here, as PNG."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(CompareArguments, arguments, "runs compare")
    if len(parsed.runs) < 2:
        raise UsageError(f"runs must be two folders or more; got {len(parsed.runs)}")
    picture.check(parsed.out)
    from kerastpu import plotting, run_records, run_text

    records = [run_records.read(path) for path in parsed.runs]
    curves = {str(record.path): record.history for record in records if record.history}
    if parsed.out and not curves:
        raise UsageError("--out: none of these runs has finished an epoch: no curves")
    if parsed.json:
        facts = {
            "differences": run_records.differences(records),
            "runs": [record.to_dict() for record in records],
        }
        print(json.dumps(facts, indent=2))
    else:
        print(run_text.of_comparison(records))
    if parsed.out:
        picture.save(plotting.compared_runs(curves), parsed.out, parsed.json)
    return 0
