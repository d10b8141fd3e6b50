"""Recipe cards: what each preset reached, from the measured runs in `results/`.

`make cards` writes cards.json, which goes with the package as the tables do not.
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from importlib import resources

from kerastpu.config import Config
from kerastpu.runs import flatten

FILE = "cards.json"
NOT_MEASURED = "not measured yet"

# Where and on what a recipe runs, and how it is kept safe, is no part of it.
_NOT_OF_RECIPE = frozenset(
    {
        *("preset", "data", "seed", "accelerator", "backend", "precision"),
        *("training.engine", "training.checkpoint_seconds", "training.deterministic"),
    }
)


@dataclass(frozen=True)
class Card:
    """Runs of one preset as it is, with one commit on one machine.

    Attributes:
        command: What was typed, less the seed.
        accuracy: Share of the test images right, 0..1; the median of the runs, as are
            the figures that follow.
        low: Lower end of its 95 % interval.
        high: Upper end.
        seconds: Of a whole run, less start-up of Python.
        runs: How many, each with a seed of its own.
        images: In the test split.
        hardware: Processor, cores, memory.
        accelerator: What it ran on.
        commit: The code.
        date: Of the last run.
    """

    command: str
    accuracy: float
    low: float
    high: float
    seconds: float
    runs: int
    images: int
    hardware: str
    accelerator: str
    commit: str
    date: str

    @property
    def score(self) -> str:
        """Accuracy with its interval, in percent."""
        return (
            f"{self.accuracy:.1%} of {self.images:,} test images "
            f"(95 % interval {self.low:.1%} to {self.high:.1%})"
        )

    def text(self) -> str:
        """Returns the card as one paragraph."""
        runs = f"median of {self.runs} seeds" if self.runs > 1 else "one run"
        return (
            f"Measured: {self.score} in {self.seconds:.0f} s ({runs}) by "
            f"`{self.command}` on {self.hardware}: {self.accelerator}; commit "
            f"{self.commit}, {self.date}."
        )


def get(name: str) -> Card | None:
    """Returns the card of a preset; None where it was not measured."""
    return _read().get(name)


@functools.cache
def _read() -> dict[str, Card]:
    text = resources.files(__package__).joinpath(FILE).read_text("utf-8")
    return {name: Card(**values) for name, values in json.loads(text).items()}


def recipe(config: Config) -> str:
    """Returns a name for what a config does: equal where figures can be compared.

    Returns:
        8 hexadecimal digits over all settings that differ from the defaults, but for
        those that say on what data, with which seed and on what hardware.
    """
    ours, defaults = flatten(config.to_dict()), flatten(Config().to_dict())
    chosen = {
        key: value
        for key, value in ours.items()
        if value != defaults[key] and key not in _NOT_OF_RECIPE
    }
    text = json.dumps(chosen, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
