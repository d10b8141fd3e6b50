"""Wrong arguments and failing functions of users are told in one line, by name."""

import numpy as np
import pytest

from kerastpu import schedules
from kerastpu.config import OptimizerConfig, ScheduleConfig
from kerastpu.errors import UsageError
from kerastpu.schedules import plots

PLATEAU = {"peak": 1.0, "decay": 0.5, "patience": 1}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: schedules.scale_with_replicas(0.1, 2, "cubic"),
            "rule must be one of none, sqrt, linear; got 'cubic'",
        ),
        (
            lambda: schedules.scale_with_replicas(0.1, 0, "linear"),
            "num_replicas must be at least 1, a whole number; got 0",
        ),
        (
            lambda: schedules.Schedule("cosine", 10, 0.1, accumulate=0),
            "accumulate must be at least 1, a whole number; got 0",
        ),
        (
            lambda: schedules.Schedule("cosine", 100.0, 0.1),
            r"total_steps must be at least 1, a whole number; got 100\.0",
        ),
        (
            lambda: schedules.tabulate(lambda step: 0.1, 0),
            "total_steps must be at least 1",
        ),
        (
            lambda: schedules.as_keras(
                schedules.Curve("constant", 1, 1.0), accumulate=0
            ),
            "accumulate must be at least 1",
        ),
        (
            lambda: schedules.RateCallback(lambda step: 0.1, accumulate=0),
            "accumulate must be at least 1",
        ),
        (
            lambda: schedules.plateau([1.0], **PLATEAU | {"patience": 0}),
            "patience must be at least 1, a whole number; got 0",
        ),
        (
            lambda: schedules.plateau([1.0], **PLATEAU | {"decay": 2.0}),
            r"decay must be 1e-06..1; got 2\.0",
        ),
        (
            lambda: schedules.cyclic(3, peak=1.0, floor=0.1, period_steps=0),
            "period_steps must be a number above 0; got 0",
        ),
        (
            lambda: schedules.step_decay(3, peak=1.0, decay=0.5, period_steps=0),
            "period_steps must be a number above 0; got 0",
        ),
        (
            lambda: schedules.exponential(3, peak=1.0, decay=0.5, decay_steps=0),
            "decay_steps must be a number above 0; got 0",
        ),
        (
            lambda: schedules.by_epoch(lambda epoch: 0.1, 0),
            "steps_per_epoch must be a number above 0; got 0",
        ),
    ],
)
def test_arguments_out_of_their_range_are_refused(call, words):
    with pytest.raises(UsageError, match=f"^{words}"):
        call()


FAILING = {
    "syntax": ("def rate(:\n", "SyntaxError: invalid syntax"),
    "raising": ("raise RuntimeError('no\\nluck')\n", "RuntimeError: no luck"),
    "short": ("def rate(step):\n    return 0.1\n", "TypeError: rate.. takes 1 pos"),
    "zero": ("def rate(step, total, peak):\n    return peak / step\n", "ZeroDivis"),
}


@pytest.mark.parametrize("name", FAILING)
def test_an_error_in_a_users_function_is_one_line(name, tmp_path, monkeypatch):
    code, words = FAILING[name]
    (tmp_path / f"rates_{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    schedule = ScheduleConfig(name="custom", function=f"rates_{name}:rate")
    with pytest.raises(UsageError) as error:
        schedules.build(schedule, OptimizerConfig(), steps_per_epoch=1, epochs=1)(0)
    assert error.match(rf"^schedule\.function 'rates_{name}:rate'.*{words}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("total_steps", [1, 7])
def test_a_picture_shows_every_step_from_edge_to_edge(total_steps):
    curve = schedules.Curve("cosine", total_steps, 0.1)
    line = plots.run(curve, steps_per_epoch=1).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), range(total_steps + 1))
    rates = [curve(step) for step in range(total_steps)]
    np.testing.assert_array_equal(line.get_ydata(), [*rates, rates[-1]])


def test_shares_that_meet_do_so_after_rounding_too():
    schedule = ScheduleConfig(
        name="multistep", warmup="45%", hold="51%", boundaries=("96%",)
    )
    optimizer = OptimizerConfig()
    curve = schedules.build(schedule, optimizer, steps_per_epoch=6, epochs=11)
    assert curve.warmup_steps + curve.hold_steps == curve.options["boundaries"][0]
