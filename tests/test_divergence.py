"""A loss that is no number is seen within an epoch; noise is let be."""

import math

import keras
import pytest

from kerastpu.divergence import DivergenceGuard
from kerastpu.errors import KerastpuError


@pytest.fixture
def guard():
    """Of a model of five classes: guessing costs 1.6 nats."""
    guard = DivergenceGuard()
    guard.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(5)]))
    return guard


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_no_number_is_seen_within_twenty_steps(guard, loss):
    guard.on_epoch_begin(2)
    with pytest.raises(KerastpuError, match="not finite in epoch 3; lower"):
        for step in range(20):
            guard.on_train_batch_end(step, {"loss": loss})


@pytest.mark.parametrize(
    "losses", [(1.6, 1.2, 3.0, 0.9), (0.01, 0.002, 0.9), (9.0, 14.0, 16.0)]
)
def test_noise_is_let_be(guard, losses):
    for epoch, loss in enumerate(losses):
        guard.on_epoch_end(epoch, {"loss": loss})


def test_explosion_is_seen_after_a_resume_too(guard):
    guard.on_epoch_end(0, {"loss": 0.5})
    other = DivergenceGuard()
    other.set_model(guard.model)
    other.recall(guard.remember())
    with pytest.raises(KerastpuError, match=r"epoch 2 is 2\.1, .* first one was 0\.5"):
        other.on_epoch_end(1, {"loss": 2.1})
