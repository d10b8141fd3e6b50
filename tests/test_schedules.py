"""Schedules equal their closed forms and the tables that were published for them."""

import math
import subprocess
import sys

import numpy as np
import pytest

from kerastpu import schedules
from kerastpu.config import OptimizerConfig, ScheduleConfig
from kerastpu.errors import UsageError

# The codelab's Xception notebook on 8 replicas, epochs 0..11, as its log prints them.
CODELAB = [
    *(1e-5, 8.8e-5, 1.66e-4, 2.44e-4, 3.22e-4, 4e-4),
    *(3.22e-4, 2.60e-4, 2.10e-4, 1.70e-4, 1.38e-4, 1.12e-4),
]
# The codelab's notebooks: learning rate on one replica, replicas, start, floor, ramp,
# sustain and decay -> rate by epoch, worked out by hand from their formula.
NOTEBOOKS = {
    "xception, 8 cores": (
        *(5e-5, 8, 1e-5, 1e-5, 5, 0, 0.8),
        dict(enumerate(CODELAB)),
    ),
    "xception, 1 GPU": (
        *(2e-4, 1, 1e-5, 1e-5, 5, 0, 0.8),
        {0: 1e-5, 1: 4.8e-5, 5: 2e-4, 6: 1.62e-4, 7: 1.316e-4},
    ),
    "xception, pod of 32": (
        *(2e-5, 32, 1e-5, 1e-5, 7, 0, 0.8),
        {0: 1e-5, 1: 1e-4, 6: 5.5e-4, 7: 6.4e-4, 8: 5.14e-4},
    ),
    "squeezenet, 8 cores": (
        *(0.01, 8, 0.01, 0.001, 5, 13, 0.95),
        {0: 0.01, 1: 0.024, 5: 0.08, 17: 0.08, 18: 0.08, 19: 0.07605},
    ),
    "squeezenet, pod of 32": (
        *(0.012, 32, 0.06, 0.01, 5, 8, 0.95),
        {0: 0.06, 1: 0.1248, 5: 0.384, 13: 0.384, 14: 0.3653},
    ),
}


def build(
    schedule, *, peak=0.1, steps_per_epoch=10, epochs=20, replicas=1, scaling=None
):
    optimizer = OptimizerConfig(learning_rate=peak, replica_scaling=scaling or "linear")
    return schedules.build(
        schedule,
        optimizer,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        num_replicas=replicas,
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_ramp_is_that_of_the_codelab_and_stands_still_within_an_epoch(notebook):
    peak, replicas, start, floor, ramp, sustain, decay, table = NOTEBOOKS[notebook]
    schedule = ScheduleConfig(
        name="ramp",
        warmup=f"{ramp} epochs",
        hold=f"{sustain} epochs",
        start=start,
        floor=floor,
        decay=decay,
    )
    curve = build(schedule, peak=peak, steps_per_epoch=7, replicas=replicas)
    for epoch, rate in table.items():
        in_epoch = {curve(7 * epoch + step) for step in range(7)}
        assert len(in_epoch) == 1
        assert in_epoch.pop() == pytest.approx(rate, rel=4e-3), epoch


def test_ramp_by_epoch_is_the_codelab_table():
    rates = [schedules.ramp_sustain_decay(epoch, peak=4e-4) for epoch in range(12)]
    np.testing.assert_allclose(rates, CODELAB, rtol=4e-3)


def test_the_squeezenet_notebook_on_a_gpu_has_one_rate():
    curve = build(ScheduleConfig(name="constant"), peak=0.01)
    assert {curve(step) for step in range(200)} == {0.01}


def test_cosine_rises_to_the_peak_and_falls_to_zero():
    def rate(step):
        return schedules.warmup_cosine(step, peak=0.1, warmup_steps=10, total_steps=110)

    rates = [rate(step) for step in range(111)]
    assert rates[0] == pytest.approx(0.1 / 11)  # no step without learning
    assert rates[10] == max(rates) == pytest.approx(0.1)
    assert all(np.diff(rates[:11]) > 0)
    assert all(np.diff(rates[10:]) < 0)
    assert rates[60] == pytest.approx(0.05)
    assert rates[110] == pytest.approx(0.0)


# Each fall over 100 steps from 0.1 to 0.02 in its textbook form, as a function of the
# steps since the peak.
TEXTBOOK = {
    "cosine": lambda s: 0.02 + 0.08 * 0.5 * (1 + math.cos(math.pi * s / 100)),
    "exponential": lambda s: 0.02 + 0.08 * 0.5 ** (s / 10),
    "step": lambda s: 0.02 + 0.08 * 0.5 ** (s // 30),
    "multistep": lambda s: 0.02 + 0.08 * 0.5 ** (int(s >= 50) + int(s >= 90)),
    "polynomial": lambda s: 0.02 + 0.08 * (1 - s / 100) ** 2,
    "plateau": lambda s: 0.1,
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_a_fall_after_rise_and_hold_has_its_closed_form(name):
    own = {
        "exponential": {"decay": 0.5},
        "step": {"decay": 0.5, "period": "3 epochs"},
        "multistep": {"decay": 0.5, "boundaries": ("10 epochs", "140 steps")},
        "polynomial": {"power": 2.0},
        "plateau": {"period": "3 epochs"},
    }
    schedule = ScheduleConfig(
        name=name,
        warmup="30 steps",
        hold="2 epochs",
        start=0.01,
        floor=0.02,
        **own.get(name, {}),
    )
    curve = build(schedule, epochs=15)
    assert curve(0) == pytest.approx(0.01)
    assert curve(15) == pytest.approx(0.055)
    assert {curve(step) for step in range(30, 51)} == {0.1}
    for since in range(101):
        assert curve(50 + since) == pytest.approx(TEXTBOOK[name](since)), since


def test_one_cycle_by_default_is_that_of_smith_and_topin():
    schedule = ScheduleConfig(name="one_cycle", floor=1e-4)  # the default rise
    curve = build(schedule)
    points = {
        0: 0.01,
        45: 0.055,
        90: 0.1,
        135: 0.055,
        180: 0.01,
        190: 0.00505,
        200: 1e-4,
    }
    for step, rate in points.items():
        assert curve(step) == pytest.approx(rate), step


def smith(step, stepsize, low, high, scale):
    """The closed form of the paper, section 3.1, and of its code."""
    cycle = math.floor(1 + step / (2 * stepsize))
    x = abs(step / stepsize - 2 * cycle + 1)
    return low + (high - low) * max(0, 1 - x) * scale(cycle, step)


@pytest.mark.parametrize("decay", [1.0, 0.5, 0.8])
def test_cyclic_with_a_rise_of_one_period_is_smiths_triangle(decay):
    schedule = ScheduleConfig(
        name="cyclic",
        warmup="20 steps",
        start=0.01,
        floor=0.01,
        decay=decay,
        period="2 epochs",
    )
    curve = build(schedule)
    for step in range(200):
        expected = smith(step, 20, 0.01, 0.1, lambda cycle, _: decay ** (cycle - 1))
        assert curve(step) == pytest.approx(expected), step


def test_smooth_cyclic_is_smiths_exp_range():
    gamma = 0.7 ** (1 / 20)
    for step in range(100):
        rate = schedules.cyclic(
            step, peak=1.0, floor=0.1, period_steps=10, decay=0.7, is_smooth=True
        )
        assert rate == pytest.approx(smith(step, 10, 0.1, 1.0, lambda _, s: gamma**s))


@pytest.mark.parametrize(
    "text",
    [
        "0:1e-3,500:1e-4,60%:1e-5",
        "0,1e-3|500,1e-4|600,1e-5",
        "0 steps:1e-3, 50%:1e-4, 60 epochs:1e-5",
    ],
)
def test_a_list_of_rates_is_followed_and_scaled(text):
    curve = build(ScheduleConfig(name="custom", function=text), epochs=100, replicas=2)
    seen = [curve(step) for step in (0, 499, 500, 599, 600, 999)]
    assert seen == pytest.approx([2e-3, 2e-3, 2e-4, 2e-4, 2e-5, 2e-5])


def test_a_function_of_the_users_is_called(tmp_path, monkeypatch):
    (tmp_path / "my_rates.py").write_text(
        "def triangle(step, total_steps, peak):\n"
        "    return peak * (1 - step / total_steps)\n"
        "def negative(step, total_steps, peak):\n    return 5.0 - step\n"
        "value = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    custom = ScheduleConfig(name="custom", function="my_rates:triangle")
    curve = build(custom, replicas=4, scaling="sqrt")
    assert curve(0) == pytest.approx(0.2)
    assert curve(150) == pytest.approx(0.05)
    negative = build(ScheduleConfig(name="custom", function="my_rates:negative"))
    with pytest.raises(UsageError, match=r"step 6 of 200 it returned -1\.0"):
        negative(6)
    for name in ("my_rates:missing", "no_such_module:f", "my_rates:value"):
        with pytest.raises(UsageError, match=name):
            build(ScheduleConfig(name="custom", function=name))


@pytest.mark.parametrize(("rule", "factor"), [("none", 1), ("sqrt", 2), ("linear", 4)])
def test_rate_scales_with_replicas_by_the_stated_rule(rule, factor, caplog):
    assert schedules.scale_with_replicas(0.5, 4, rule) == 0.5 * factor
    with caplog.at_level("INFO", "kerastpu"):
        curve = build(ScheduleConfig(), replicas=4, scaling=rule)
    assert max(curve(step) for step in range(200)) == pytest.approx(0.1 * factor)
    assert f"x {factor} for 4 replicas" in caplog.text
    assert f"peak {0.1 * factor:g}" in caplog.text


@pytest.mark.parametrize(
    "schedule",
    [
        ScheduleConfig(warmup="150 steps", hold="100 steps"),
        ScheduleConfig(name="multistep", boundaries=("50%", "90 steps")),
        ScheduleConfig(name="multistep", warmup="30 steps", boundaries=("10%",)),
        ScheduleConfig(name="custom", function="0:0.1,100:0.2,50%:0.3"),
    ],
)
def test_steps_that_do_not_fit_the_run_are_refused(schedule):
    with pytest.raises(UsageError, match=r"^schedule\.\w+ .*200|steps \["):
        build(schedule)


def test_importing_the_functions_loads_no_keras():
    code = (
        "import sys; from kerastpu import schedules; schedules.warmup_cosine;"
        "import kerastpu.config;"
        "print(*{'keras', 'tensorflow', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == [], done.stderr
