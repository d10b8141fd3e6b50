"""When, on what and with which versions the outputs of a notebook were made."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import date

_VERSIONS = {
    "Python": "python",
    "TensorFlow": "tensorflow",
    "Keras": "keras",
    "JAX": "jax",
    "NumPy": "numpy",
    "kerastpu": "kerastpu",
}


@dataclass(frozen=True)
class Stamp:
    """What stands in a notebook's metadata, and in words in its first cell."""

    date: str
    """Year, month and day."""
    device: str
    platform: str
    """cpu, gpu or tpu."""
    versions: dict[str, str]
    seconds: float
    """Of the whole lab, imports included."""


def make(seconds: float) -> Stamp:
    """Returns the stamp of a run that has just ended here.

    Raises:
        subprocess.CalledProcessError: `kerastpu doctor` fails.
    """
    doctor = [sys.executable, "-m", "kerastpu", "doctor", "--json"]
    # A process of its own, as it imports Keras and takes the accelerator.
    report = json.loads(subprocess.check_output(doctor, text=True))
    accelerator, machine = report["accelerator"], report["machine"]
    found = report["versions"]
    found["tensorflow"] = found["tensorflow"] or found["tensorflow-cpu"]
    return Stamp(
        date=date.today().isoformat(),
        device=f"{machine['processor']}: {accelerator['summary']}",
        platform=accelerator["platform"],
        versions={name: found[key] for name, key in _VERSIONS.items() if found[key]},
        seconds=round(seconds, 1),
    )


def sentence(stamp: Stamp, words: str) -> str:
    """Returns a stamp in words: `words` with its fields filled in."""
    named = (f"{name} {stamp.versions.get(name)}" for name in _VERSIONS)
    return words.format(
        date=stamp.date,
        device=stamp.device,
        versions=", ".join(one for one in named if not one.endswith(" None")),
        minutes=minutes(stamp.seconds),
    )


def minutes(seconds: float) -> str:
    """Returns a time in minutes, with one digit after the point."""
    return f"{seconds / 60:.1f}"


def to_metadata(stamp: Stamp) -> dict[str, object]:
    """Returns a stamp as JSON takes it."""
    return asdict(stamp)


def from_metadata(metadata: dict[str, object]) -> Stamp | None:
    """Returns the stamp that a notebook's metadata hold, None where they hold none."""
    fields = metadata.get("kerastpu")
    return Stamp(**fields) if isinstance(fields, dict) else None
