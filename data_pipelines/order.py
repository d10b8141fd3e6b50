"""Which example comes when, and the numbers that augment it: pure functions.

A stream counts its examples from 0. Number n of a training stream over N examples is
position n % N of epoch n // N. Nothing else is state, so a stream can start anywhere
and several hosts can take parts of it.
"""

import functools

import numpy as np

# Of a window: what a disk reads in one go, and yet well mixed (stored order is random).
WINDOW = 2048
_BLOCK = 1024  # examples whose draws are made at once
# One stream of random numbers for each purpose.
_ORDER, _DRAWS, _MIXING = 0, 1, 2


@functools.lru_cache(maxsize=4)
def epoch_order(
    num_examples: int, seed: int, epoch: int, window: int | None = None
) -> np.ndarray:
    """Returns int64 (num_examples,): the example at every position of an epoch.

    Args:
        num_examples: In an epoch; each comes exactly once.
        seed: Of the order, at least 0.
        epoch: From 0.
        window: None shuffles all. A number shuffles runs of that many neighbors in
            stored order, and the order of the runs: nearly sequential reading, for
            splits larger than memory.
    """
    rng = np.random.default_rng([seed, _ORDER, epoch])
    if window is None:
        order = rng.permutation(num_examples)
    else:
        starts = np.arange(0, num_examples, window)
        runs = (
            start + rng.permutation(min(window, num_examples - start))
            for start in rng.permutation(starts)
        )
        order = np.concatenate(list(runs))
    order.setflags(write=False)  # it is handed out again
    return order


def indices(
    numbers: np.ndarray, num_examples: int, seed: int, window: int | None = None
) -> np.ndarray:
    """Returns int64 (B,), the examples that stand at `numbers` of a training stream."""
    epochs, positions = np.divmod(numbers, num_examples)
    chosen = np.empty_like(positions)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        order = epoch_order(num_examples, seed, int(epoch), window)
        chosen[here] = order[positions[here]]
    return chosen


def draws(numbers: np.ndarray, seed: int, count: int) -> np.ndarray:
    """Returns float64 (B, count) in 0..1, uniform: a function of (seed, number).

    Draw k of a number does not depend on `count`.
    """
    blocks, rows = np.divmod(numbers, _BLOCK)
    chosen = np.empty((len(numbers), count))
    for block in np.unique(blocks):
        here = blocks == block
        chosen[here] = _block_draws(seed, int(block), count)[rows[here]]
    return chosen


def mixing_rng(seed: int, number: int) -> np.random.Generator:
    """Returns the generator for mixing the batch whose first number is `number`."""
    return np.random.default_rng([seed, _MIXING, number])


@functools.lru_cache(maxsize=8)
def _block_draws(seed: int, block: int, count: int) -> np.ndarray:
    rng = np.random.default_rng([seed, _DRAWS, block])
    return rng.random((count, _BLOCK)).T
