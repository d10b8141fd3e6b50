"""Order and draws: permutations and uniform numbers by (seed, number) alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines import order

SEEDS = st.integers(0, 2**40)


@given(
    count=st.integers(1, 300),
    seed=SEEDS,
    epoch=st.integers(0, 10**6),
    window=st.none() | st.integers(1, 400),
)
def test_every_epoch_is_a_permutation(count, seed, epoch, window):
    found = order.epoch_order(count, seed, epoch, window)
    assert sorted(found.tolist()) == list(range(count))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [
        tuple(order.epoch_order(50, seed, epoch, window))
        for seed in (0, 1)
        for epoch in (0, 1)
        for window in (None, 10)
    ]
    assert len(set(orders)) == len(orders)


@given(seed=SEEDS, window=st.integers(1, 60), count=st.integers(1, 200))
def test_a_window_keeps_neighbors_together(seed, window, count):
    found = order.epoch_order(count, seed, 3, window)
    runs = [run for run, _ in _runs(found // window)]
    assert len(runs) == len(set(runs)) == -(-count // window)


def _runs(values):
    ends = np.flatnonzero(np.diff(values, append=-1))
    return [(values[end], end) for end in ends]


@given(
    count=st.integers(1, 40),
    start=st.integers(0, 500),
    length=st.integers(1, 100),
    seed=SEEDS,
)
def test_indices_are_those_of_the_epochs_one_after_another(count, start, length, seed):
    numbers = np.arange(start, start + length)
    epochs = range((start + length) // count + 1)
    stream = np.concatenate([order.epoch_order(count, seed, e) for e in epochs])
    assert np.array_equal(order.indices(numbers, count, seed), stream[numbers])


@given(seed=SEEDS, start=st.integers(0, 10**12), count=st.integers(1, 9))
def test_a_draw_depends_on_seed_number_and_place_alone(seed, start, count):
    numbers = np.arange(start, start + 1100)  # over a border of blocks
    found = order.draws(numbers, seed, count)
    assert found.shape == (1100, count) and found.min() >= 0 and found.max() < 1
    assert np.array_equal(
        order.draws(numbers[7:9], seed, count + 3)[:, :count], found[7:9]
    )


def test_draws_are_uniform_and_unrelated():
    found = order.draws(np.arange(20_000), 5, 4)
    assert (
        np.abs(
            np.quantile(found, (0.25, 0.5, 0.75), axis=0).T - (0.25, 0.5, 0.75)
        ).max()
        < 0.02
    )
    assert np.abs(np.corrcoef(found.T) - np.eye(4)).max() < 0.03
    assert not np.array_equal(found[:100], order.draws(np.arange(100), 6, 4))
