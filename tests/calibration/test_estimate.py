"""Estimates are sums of counts over rates."""

import dataclasses
import types

import pytest

from kerastpu import calibration, presets
from kerastpu.calibration.estimate import Counts, Estimate, Rates, Sizes, rough_seconds

COUNTS = Counts(
    photos=1000,
    validation=100,
    test=200,
    epochs=5,
    views=0,
    missing=0,
    steps=10,
    batch_size=100,
)
RATES = Rates(training=50.0, validation=200.0, features=400.0, scoring=100.0, ready=3.0)
SIZES = Sizes(
    parameters=1000,
    trainable=10,
    feature_bytes=2**20,
    checkpoint_bytes=2**21,
    memory_bytes=2**30,
)


def seconds(rates=RATES, **counts):
    return Estimate(dataclasses.replace(COUNTS, **counts), rates, SIZES).seconds


def test_phases_are_counts_over_rates():
    found = seconds()
    assert found["training"] == 5 * 1000 / 50
    assert found["validation"] == 5 * 100 / 200
    assert found["test"] == 200 / 100
    assert found["features"] == 0
    kept = seconds(views=3, missing=3100)
    assert kept["features"] == (3 * 1000 + 100) / 400
    assert kept["test"] == 200 / 100
    assert seconds(dataclasses.replace(RATES, features=0.0))["features"] == 0


@pytest.mark.parametrize(
    ("counts", "phases"),
    [
        ({"epochs": 10}, {"training", "validation"}),
        ({"steps": 20}, {"training"}),
        ({"test": 400}, {"test"}),
    ],
)
def test_twice_the_work_takes_twice_the_time(counts, phases):
    once, twice = seconds(), seconds(**counts)
    for name, value in once.items():
        assert twice[name] == pytest.approx(value * (2 if name in phases else 1))


def test_a_machine_twice_as_fast_takes_half_the_time():
    fast = Rates(
        training=100.0, validation=400.0, features=800.0, scoring=200.0, ready=1.5
    )
    for name in ("training", "validation", "features", "test", "getting ready"):
        slow = seconds(views=2, missing=2100)[name]
        assert seconds(fast, views=2, missing=2100)[name] == pytest.approx(slow / 2)


def test_words_and_json_say_the_total():
    found = Estimate(COUNTS, RATES, SIZES)
    assert "about 2 min on this machine (1,000 images x 5 epochs at 50 images/s" in (
        found.line()
    )
    for missing, said in (
        (3100, "(3,100 features at 400 images/s: 8 s; 5 epochs: 2 min)"),
        (0, "(features are there; 5 epochs: 2 min)"),
    ):
        counts = dataclasses.replace(COUNTS, views=3, missing=missing)
        assert said in dataclasses.replace(found, counts=counts).line()
    table = found.table()
    assert table.startswith(found.line())
    assert "1,000 parameters, 10 train" in table and "2 MiB on disk" in table
    parts = found.to_dict()["seconds"]
    assert parts.pop("total") == pytest.approx(sum(parts.values()))


@pytest.mark.parametrize(
    ("preset", "is_short"),
    [("flowers", True), ("flowers-finetune", False), ("flowers-squeezenet", False)],
)
def test_of_the_recipes_for_photos_the_longer_ones_are_measured(preset, is_short):
    counts = {"train": 2727, "validation": 367, "test": 776}
    manifest = types.SimpleNamespace(num_examples=counts.get)
    rough = rough_seconds(presets.get(preset), manifest)
    assert (rough < calibration.SHORT_SECONDS) == is_short
    if is_short:  # by far: a guess is right to a factor
        assert 2 * rough < calibration.SHORT_SECONDS
