"""Curves of real trainings, replayed: a search in a table of configurations."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import keras_tuner
import numpy as np
import tuning_curves
import tuning_spaces

EXAMPLES = {"flowers": 367, "mnist": 3_000}  # to validate on


@dataclass(frozen=True)
class Replay:
    """A problem from stored curves; see `tuning_meter.Problem`.

    What a search proposes is answered by the configuration nearest to it in the unit
    cube, for every search alike; a choice is the middle of its share of its axis.
    """

    name: str

    @cached_property
    def space(self) -> keras_tuner.HyperParameters:
        """Returns what is searched."""
        return tuning_spaces.SPACES[self.name]()

    @cached_property
    def curves(self) -> np.ndarray:
        """Returns the share of validation examples told wrong, (N, epochs)."""
        path = tuning_curves.path(self.name)
        with path.open(newline="", encoding="utf-8") as file:
            texts = [row[tuning_curves.COUNTS[0]] for row in csv.DictReader(file)]
        wrong = np.array([text.split() for text in texts], float)
        return wrong / EXAMPLES[self.name]

    @cached_property
    def points(self) -> np.ndarray:
        """Returns where the configurations lie, (N, D)."""
        design = tuning_curves.design(self.name)[: len(self.curves)]
        return np.array([tuning_spaces.to_unit(self.space, one) for one in design])

    @property
    def epochs(self) -> int:
        """Returns the epochs of a whole training."""
        return self.curves.shape[1]

    @property
    def lowest(self) -> float:
        """Returns the lowest error in the table."""
        return float(self.curves.min())

    def nearest(self, values: tuning_spaces.Values) -> int:
        """Returns the number of the configuration that answers for these values."""
        gaps = self.points - tuning_spaces.to_unit(self.space, values)
        return int((gaps**2).sum(axis=1).argmin())

    def run(
        self, values: tuning_spaces.Values, seed: int
    ) -> Iterator[tuple[float, float]]:
        """Yields the stored error after each epoch, twice; the seed does not matter."""
        for error in self.curves[self.nearest(values)]:
            yield float(error), float(error)


REPLAYS = {name: Replay(name) for name in EXAMPLES}
