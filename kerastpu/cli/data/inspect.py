"""`kerastpu data inspect DATA`: figures, copies, bad files, a contact sheet."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerastpu.cli import parsing
from kerastpu.cli.data import opening


@dataclass(frozen=True)
class InspectArguments:
    """Counts, measures and compares all images; changes nothing."""

    data: opening.Data
    """The images: a folder, or whatever else `kerastpu data --help` tells."""
    out: Path | None = None
    """Folder for a report with contact sheet and chart; None = print only."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(InspectArguments, arguments, "data inspect")
    from data_pipelines.inspection.inspect import inspect
    from kerastpu import data_text
    from kerastpu.progress import progress

    if parsed.out is not None:
        opening.check_out(parsed.out, parsed.data)
    source = opening.open_data(parsed.data)
    with progress("inspect images") as update:
        inspection = inspect(source, progress=update)
    if parsed.json:
        print(json.dumps(inspection.to_dict(), indent=2))
    else:
        print(data_text.of_inspection(inspection))
    if parsed.out is not None:
        from kerastpu import data_report  # loads matplotlib

        data_report.write(inspection, source, parsed.out)
        if not parsed.json:
            print(f"report: {parsed.out / data_report.REPORT}")
    return 0
