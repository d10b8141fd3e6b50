"""Learning curves by formula: response surfaces with noise, whose curves cross.

A setting is a point u of the unit cube. Its error after t of 27 epochs is

    floor(u) + (START - floor(u)) * (1 + t / slow(u))^-1.5 + late(u) * penalty(t)

so that what falls slowly can end lower than what falls at once; `penalty` goes from 1
to 0 as a cosine schedule does. Searches see it with normal noise, and are judged
without it.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import keras_tuner
import numpy as np
import tuning_spaces
from scipy.stats import qmc

EPOCHS, START = 27, 0.8
Columns = np.ndarray
Traits = tuple[Columns, Columns, Columns]  # floor, slow, late, each (N,)


@dataclass(frozen=True)
class Surface:
    """A problem by formula; see `tuning_meter.Problem`."""

    name: str
    make_space: Callable[[], keras_tuner.HyperParameters]
    traits: Callable[[np.ndarray], Traits]
    noise: float
    epochs: int = EPOCHS

    @cached_property
    def space(self) -> keras_tuner.HyperParameters:
        """Returns what is searched."""
        return self.make_space()

    def curves(self, points: np.ndarray) -> np.ndarray:
        """Returns errors without noise (N, EPOCHS), of points (N, D)."""
        floor, slow, late = (column[:, None] for column in self.traits(points))
        times = np.arange(1, EPOCHS + 1)
        penalty = (1 + np.cos(np.pi * times / EPOCHS)) / 2
        return floor + (START - floor) * (1 + times / slow) ** -1.5 + late * penalty

    @cached_property
    def lowest(self) -> float:
        """Returns the lowest error that any setting reaches: a search of its own."""
        size = len(self.space.space)
        points = qmc.Sobol(size, rng=0).random(2**15)
        rng = np.random.default_rng(0)
        for width in (0.1, 0.03, 0.01, 0.003, 0.001):
            points = np.array([self._snap(point) for point in points])
            errors = self.curves(points).min(axis=1)
            best = points[errors.argsort()[:50]]
            moved = np.repeat(best, 40, axis=0)
            moved = moved + width * rng.normal(size=moved.shape)
            points = np.concatenate([best, np.clip(moved, 0, 1 - 1e-9)])
        return float(errors.min())

    def _snap(self, point: np.ndarray) -> np.ndarray:
        values = tuning_spaces.from_unit(self.space, point)
        return tuning_spaces.to_unit(self.space, values)

    def run(
        self, values: tuning_spaces.Values, seed: int
    ) -> Iterator[tuple[float, float]]:
        """Yields (error with noise, error without) after each epoch."""
        rng = np.random.default_rng([seed, zlib.crc32(repr(values).encode())])
        (curve,) = self.curves(tuning_spaces.to_unit(self.space, values)[None])
        for error in curve:
            yield float(error + self.noise * rng.normal()), float(error)


def _space(
    logs: int, lines: int, choices: tuple[int, ...]
) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for number in range(logs):
        space.Float(f"log{number}", 1e-5, 1e-1, sampling="log")
    for number in range(lines):
        space.Float(f"line{number}", 0.0, 1.0)
    for number, count in enumerate(choices):
        names = [f"value{one}" for one in range(count)]
        space.Choice(f"choice{number}", names)
    return space


def _bowl(u: np.ndarray) -> Traits:
    """Two rates on log scales; a low first one is slow, a high one diverges."""
    floor = 0.05 + 0.5 * (u[:, 0] - 0.55) ** 2 + 0.3 * (u[:, 1] - 0.35) ** 2
    floor = np.where(u[:, 0] > 0.85, START, floor)
    return floor, 0.3 * np.exp(6 * (0.8 - u[:, 0])), np.zeros(len(u))


def _basins(u: np.ndarray) -> Traits:
    """A wide basin that falls at once, a narrow and deeper one that takes time."""
    wide = ((u - [0.3, 0.6, 0.5]) ** 2).sum(axis=1)
    narrow = ((u - [0.75, 0.3, 0.7]) ** 2).sum(axis=1)
    waves = 0.01 * (1 - np.cos(14 * u[:, :2])).sum(axis=1)
    deep = 0.13 * np.exp(-narrow / 0.03)
    floor = 0.16 + 0.3 * wide / (1 + wide) - deep + waves
    return np.maximum(floor, 0.03), 0.5 + 30 * deep, np.zeros(len(u))


def _crossing(u: np.ndarray) -> Traits:
    """What regularizes is slow; a cosine schedule looks bad until it ends."""
    rate, penalty, dropout, cosine = u[:, 0], u[:, 1], u[:, 2], u[:, 3] > 0.5
    ideal = 0.5 + 0.15 * cosine
    floor = 0.06 + 0.6 * (rate - ideal) ** 2 + 0.15 * (penalty - 0.5) ** 2
    floor = floor + 0.2 * (dropout - 0.6) ** 2 - 0.02 * cosine
    slow = 0.2 * np.exp(3 * (0.7 - rate) + 2.5 * dropout)
    return floor, slow, 0.12 * cosine * np.minimum(1, rate / ideal)


def _few(u: np.ndarray) -> Traits:
    """Five settings, of which two count, under much noise."""
    floor = 0.1 + 0.8 * (u[:, 0] - 0.7) ** 2 + 0.5 * (u[:, 3] - 0.2) ** 2
    floor = floor + 0.01 * (u[:, [1, 2, 4]] - 0.5).sum(axis=1) ** 2
    return floor, 0.3 + 3 * (1 - u[:, 0]), np.zeros(len(u))


def _choices(u: np.ndarray) -> Traits:
    """Which rate is right depends on one choice; the best of another one is slow."""
    kind = np.minimum((u[:, 4] * 3).astype(int), 2)
    size = np.minimum((u[:, 5] * 4).astype(int), 3)
    ideal = np.array([0.3, 0.55, 0.75])[kind]
    floor = 0.08 + 0.9 * (u[:, 0] - ideal) ** 2 + 0.2 * (u[:, 1] - 0.4) ** 2
    floor = floor + 0.1 * ((u[:, 2:4] - [0.5, 0.25]) ** 2).sum(axis=1)
    floor = floor + np.array([0.03, 0.0, 0.015])[kind]
    floor = floor + np.array([0.04, 0.02, 0.01, 0.0])[size]
    slow = np.array([0.3, 0.8, 1.6, 3.0])[size] * np.exp(1.5 * (0.6 - u[:, 0]))
    return floor, slow, np.zeros(len(u))


SURFACES = {
    surface.name: surface
    for surface in (
        Surface("bowl-2", lambda: _space(2, 0, ()), _bowl, 0.01),
        Surface("basins-3", lambda: _space(1, 2, ()), _basins, 0.01),
        Surface("crossing-4", lambda: _space(2, 1, (2,)), _crossing, 0.008),
        Surface("few-5", lambda: _space(2, 3, ()), _few, 0.03),
        Surface("choices-6", lambda: _space(2, 2, (3, 4)), _choices, 0.01),
    )
}
