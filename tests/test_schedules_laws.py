"""Laws of every learning rate, whatever its numbers."""

import json
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kerastpu import schedules
from kerastpu.config import OptimizerConfig, ScheduleConfig
from kerastpu.errors import UsageError

FALLING = (
    "cosine",
    "ramp",
    "exponential",
    "step",
    "multistep",
    "polynomial",
    "one_cycle",
)
SMOOTH = ("cosine", "exponential", "polynomial", "one_cycle", "cyclic", "plateau")
NAMES = tuple(name for name in schedules.SHAPES if name not in ("constant", "custom"))
EPS = 1e-12
SETTINGS = hypothesis.settings(max_examples=60, deadline=None)


@st.composite
def curves(draw, names=NAMES):
    """Builds a valid schedule of any shape, for a run of any length."""
    peak = draw(st.floats(1e-8, 100))
    warmup = draw(st.integers(0, 100))
    hold = draw(st.integers(0, 100 - warmup))
    floor = draw(st.floats(0, 1)) * peak
    name = draw(st.sampled_from(names))
    low = floor if name == "one_cycle" else 0.0
    start = draw(st.none() | st.floats(low, peak))
    ends = st.lists(st.integers(warmup + hold, 100), min_size=1, max_size=4)
    schedule = ScheduleConfig(
        name=name,
        warmup=f"{warmup}%",
        hold=f"{hold}%",
        start=start,
        floor=floor,
        decay=draw(st.floats(1e-3, 1)),
        period=f"{draw(st.integers(1, 12))} epochs",
        boundaries=tuple(f"{end}%" for end in sorted(draw(ends))),
        power=draw(st.floats(0.1, 10)),
    )
    return schedules.build(
        schedule,
        OptimizerConfig(learning_rate=peak),
        steps_per_epoch=draw(st.integers(1, 9)),
        epochs=draw(st.integers(1, 12)),
    )


@SETTINGS
@hypothesis.given(curves())
def test_rates_stay_between_the_lower_end_and_the_peak(curve):
    low = min(curve.start, curve.floor) if curve.warmup_steps else curve.floor
    rates = np.array([curve(step) for step in range(curve.total_steps + 3)])
    assert (rates >= low * (1 - EPS)).all()
    assert (rates <= curve.peak * (1 + EPS)).all()


@SETTINGS
@hypothesis.given(curves())
def test_the_rise_is_a_straight_line_to_the_peak_which_then_is_held(curve):
    begin, end = curve.warmup_steps, curve.warmup_steps + curve.hold_steps
    every = curve.options.get("steps_per_epoch", 1)
    rise = [curve(step) for step in range(0, begin + 1, every)]
    expected = np.linspace(curve.start, curve.peak, len(rise))
    if begin:
        np.testing.assert_allclose(rise, expected, rtol=1e-9, atol=EPS * curve.peak)
    assert {curve(step) for step in range(begin, end)} <= {curve.peak}


@SETTINGS
@hypothesis.given(curves(FALLING))
def test_after_the_peak_it_only_falls(curve):
    begin = curve.warmup_steps + curve.hold_steps
    rates = [curve(step) for step in range(begin, curve.total_steps + 3)]
    assert (np.diff(rates) <= EPS * curve.peak).all()


@SETTINGS
@hypothesis.given(curves(SMOOTH), st.floats(0, 1))
def test_there_is_no_jump_where_the_fall_begins_nor_anywhere_later(curve, where):
    begin = curve.warmup_steps + curve.hold_steps
    for step in (begin, begin + where * curve.fall_steps):
        near, shift = min(step + 1e-9, curve.total_steps), 1e-3 * curve.peak
        is_at_the_end = step > curve.total_steps - 1e-3  # a root is steep at its 0
        if not is_at_the_end:
            assert curve(near) == pytest.approx(curve(step), abs=shift)


@SETTINGS
@hypothesis.given(curves(("cosine", "polynomial", "one_cycle")))
def test_what_falls_to_the_end_ends_at_the_floor(curve):
    if curve.fall_steps:
        last = curve(curve.total_steps)
        assert last == pytest.approx(curve.floor, abs=EPS * curve.peak)
    assert curve(curve.total_steps) == curve(10 * curve.total_steps)


@SETTINGS
@hypothesis.given(curves())
def test_a_curve_survives_json(curve):
    text = json.dumps(curve.to_dict())
    again = schedules.Curve.from_dict(json.loads(text))
    assert again == curve
    assert again(curve.total_steps // 2) == curve(curve.total_steps // 2)


@SETTINGS
@hypothesis.given(st.floats(0.01, 1), st.integers(1, 20), st.floats(1e-6, 10))
def test_step_is_the_peak_times_decay_at_each_period(decay, period, peak):
    rate = peak
    for step in range(100):
        if step and step % period == 0:
            rate *= decay
        found = schedules.step_decay(step, peak=peak, decay=decay, period_steps=period)
        assert found == pytest.approx(rate, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("warmup", ["0%", "100%"])
def test_a_run_of_one_step_has_a_rate(name, warmup):
    boundaries = (warmup,)
    curve = schedules.build(
        ScheduleConfig(name=name, warmup=warmup, boundaries=boundaries),
        OptimizerConfig(learning_rate=1.0),
        steps_per_epoch=1,
        epochs=1,
    )
    assert 0 < curve(0) <= 1
    assert math.isfinite(curve(1))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_only_rises_reaches_the_peak_at_its_end(name):
    curve = schedules.build(
        ScheduleConfig(name=name, warmup="100%", boundaries=("100%",)),
        OptimizerConfig(learning_rate=1.0),
        steps_per_epoch=5,
        epochs=4,
    )
    rates = [curve(step) for step in range(21)]
    assert (np.diff(rates) >= 0).all()
    assert rates[20] == 1.0 > rates[15] > rates[5] > rates[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "zigzag"}, "name must be one of"),
        ({"name": "step"}, "step takes decay, period_steps; got none"),
        ({"power": 2}, "cosine takes no more numbers; got power"),
        ({"name": "polynomial", "power": 0}, "power must be 0.1..10; got 0"),
        ({"name": "step", "decay": 2, "period_steps": 3}, "decay must be .*got 2"),
        ({"name": "step", "decay": 0.5, "period_steps": 0}, "period_steps must be 1"),
        ({"name": "multistep", "decay": 0.5, "boundaries": [9, 3]}, "must increase"),
        ({"name": "piecewise", "points": [[2, 0.1]]}, "those of points from 0"),
        ({"name": "piecewise", "points": [[0, -0.1]]}, r"rate of points .*got -0\.1"),
        ({"total_steps": 0}, "total_steps must be at least 1"),
        ({"total_steps": 10.5}, r"total_steps must be .*whole number; got 10\.5"),
        ({"peak": float("nan")}, "peak must be a finite number of 0 or more; got nan"),
        ({"peak": -1.0}, r"peak must be .*got -1\.0"),
        ({"start": 2.0}, "start must be 0..1"),
        ({"floor": -1.0}, r"floor must be .*got -1\.0"),
        ({"floor": None}, "floor must be .*got None"),
        ({"warmup_steps": -1}, "warmup_steps must be at least 0"),
        ({"warmup_steps": 9, "hold_steps": 9}, "together at most 10; got 9 and 9"),
    ],
)
def test_numbers_that_make_no_curve_are_refused(values, words):
    good = {"name": "cosine", "total_steps": 10, "peak": 1.0}
    with pytest.raises(UsageError, match=words):
        schedules.Curve.from_dict(good | values)
