"""`set_seed`: the same seed gives the same weights and draws."""

import random

import keras
import numpy as np
import pytest

from kerastpu import seeds
from kerastpu.errors import UsageError


def draws():
    kernel = keras.layers.Dense(3)
    kernel.build((None, 4))
    return random.random(), np.random.random(), *kernel.get_weights()[0].ravel()


def test_same_seed_same_draws_other_seed_others():
    found = []
    for seed in (7, 7, 8):
        seeds.set_seed(seed)
        found.append(draws())
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(UsageError, match=f"not {seed}"):
        seeds.set_seed(seed)
