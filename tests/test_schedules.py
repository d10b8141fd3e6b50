"""Schedules equal their formulas at every step, as the optimizer sees them."""

import keras
import numpy as np
import pytest

from kerastpu import optimizers, schedules
from kerastpu.config import OptimizerConfig

# Inventory of the codelab's Xception notebook: 8 replicas, epochs 0..11.
CODELAB = [
    *(1e-5, 8.8e-5, 1.66e-4, 2.44e-4, 3.22e-4, 4e-4),
    *(3.22e-4, 2.60e-4, 2.10e-4, 1.70e-4, 1.38e-4, 1.12e-4),
]


def test_ramp_is_the_codelab_table():
    rates = [schedules.ramp_sustain_decay(epoch, peak=4e-4) for epoch in range(12)]
    np.testing.assert_allclose(rates, CODELAB, rtol=5e-3)


def test_ramp_sustains_the_peak():
    rates = [
        schedules.ramp_sustain_decay(epoch, peak=1.0, ramp_epochs=2, sustain_epochs=3)
        for epoch in range(7)
    ]
    assert rates[2:5] == [1.0, 1.0, 1.0]
    assert rates[1] < 1.0
    assert rates[6] < rates[5] <= 1.0


def test_cosine_rises_to_the_peak_and_falls_to_zero():
    def rate(step):
        return schedules.warmup_cosine(step, peak=0.1, warmup_steps=10, total_steps=110)

    rates = [rate(step) for step in range(111)]
    assert rates[10] == max(rates) == pytest.approx(0.1)
    assert all(np.diff(rates[:11]) > 0)
    assert all(np.diff(rates[10:]) < 0)
    assert rates[60] == pytest.approx(0.05)
    assert rates[110] == pytest.approx(0.0)


@pytest.mark.parametrize("name", ["cosine", "ramp", "constant"])
def test_optimizer_takes_the_rate_of_the_function_at_every_step(name):
    config = OptimizerConfig(schedule=name, learning_rate=0.01, warmup="1 epoch")
    function = optimizers.learning_rate_function(
        config, steps_per_epoch=4, epochs=3, num_replicas=2
    )
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = optimizers.build_optimizer(config, function, 12)
    model.compile(optimizer=optimizer, loss="mse")
    for step in range(12):
        seen = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        assert seen == pytest.approx(function(step), rel=1e-6, abs=1e-12)
        model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))


def test_table_survives_a_config_round_trip():
    table = schedules.tabulate(lambda step: step / 7, 5)
    again = schedules.TableSchedule.from_config(table.get_config())
    assert [float(again(step)) for step in (0, 4, 99)] == pytest.approx(
        [0, 4 / 7, 4 / 7]
    )


@pytest.mark.parametrize(("rule", "factor"), [("none", 1), ("sqrt", 2), ("linear", 4)])
def test_rate_scales_with_replicas_by_the_stated_rule(rule, factor):
    assert schedules.scale_with_replicas(0.5, 4, rule) == 0.5 * factor
