"""Durations become steps by their unit."""

import pytest

from kerastpu import durations
from kerastpu.errors import UsageError


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("5%", 50),
        ("100%", 1000),
        ("0%", 0),
        ("2 epochs", 200),
        ("0.5 epoch", 50),
        ("7 steps", 7),
        ("1 step", 1),
        ("99 epochs", 1000),  # never longer than the run
    ],
)
def test_duration_is_in_steps_of_the_run(text, steps):
    assert durations.to_steps(text, steps_per_epoch=100, total_steps=1000) == steps


@pytest.mark.parametrize("text", ["", "5", "five %", "-1 steps", "101%", "3 years"])
def test_other_forms_are_refused_with_the_text_that_came(text):
    with pytest.raises(UsageError, match="warmup must"):
        durations.parse(text, "warmup")
