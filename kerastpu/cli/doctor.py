"""`kerastpu doctor`: the machine, the choice of accelerator, what is missing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from kerastpu.cli import parsing
from kerastpu.config import AcceleratorName


@dataclass(frozen=True)
class DoctorArguments:
    """Says what is on this machine, what would run where and why."""

    accelerator: AcceleratorName = "auto"
    """What to run on; a named one that is absent ends with exit code 1."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(DoctorArguments, arguments, "doctor")
    from kerastpu import doctor

    facts = doctor.collect(parsed.accelerator)
    print(json.dumps(facts, indent=2) if parsed.json else doctor.render(facts))
    return 0
