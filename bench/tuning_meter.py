"""Counts the epochs that a search spends, and what it would hand over at each."""

from collections.abc import Iterator
from typing import Protocol

import keras_tuner
from tuning_spaces import Values


class Problem(Protocol):
    """What is searched."""

    name: str

    @property
    def space(self) -> keras_tuner.HyperParameters:
        """Returns the settings."""

    @property
    def epochs(self) -> int:
        """Returns the epochs of a whole training."""

    @property
    def lowest(self) -> float:
        """Returns the lowest true error that can be reached."""

    def run(self, values: Values, seed: int) -> Iterator[tuple[float, float]]:
        """Yields (error as a search sees it, true error) after each epoch."""


class Spent(Exception):  # noqa: N818
    """No epoch is left."""


class Meter:
    """Trains for a search, epoch by epoch, until a budget is spent.

    What a search would hand over is the model with the lowest error that it has seen so
    far, the same rule for all.

    Args:
        problem: What is searched.
        budget: Epochs of all trials together.
        seed: Of the noise.

    Attributes:
        held: For each epoch spent, the true error of what would be handed over.
    """

    def __init__(self, problem: Problem, budget: int, seed: int):
        self._problem, self._budget, self._seed = problem, budget, seed
        self._runs: list[Iterator[tuple[float, float]]] = []
        self._lowest = (float("inf"), 1.0)
        self.held: list[float] = []

    def start(self, values: Values) -> int:
        """Returns the number of a new training."""
        known = {one.name for one in self._problem.space.space}
        values = {name: values[name] for name in values if name in known}
        self._runs.append(self._problem.run(values, self._seed))
        return len(self._runs) - 1

    def train(self, number: int, epochs: int) -> list[float]:
        """Trains on for some epochs and returns the error seen after each.

        Raises:
            Spent: the budget ended before that.
        """
        errors = []
        for _ in range(epochs):
            if len(self.held) == self._budget:
                raise Spent
            seen, true = next(self._runs[number])
            if seen < self._lowest[0]:  # of equals the first: the true error is unseen
                self._lowest = (seen, true)
            self.held.append(self._lowest[1])
            errors.append(seen)
        return errors

    def regret(self, spent: int) -> float:
        """Returns the regret after so many epochs, at least 1."""
        return self.held[min(spent, len(self.held)) - 1] - self._problem.lowest
