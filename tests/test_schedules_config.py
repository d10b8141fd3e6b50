"""A schedule that makes no sense is refused at the door, by field, value and range."""

import dataclasses

import pytest

from kerastpu import presets, schedules
from kerastpu.config import Config, ScheduleConfig
from kerastpu.config.sections import ScheduleName
from kerastpu.errors import UsageError


def check(epochs=20, learning_rate=0.1, **schedule):
    config = Config()
    config = dataclasses.replace(
        config,
        training=dataclasses.replace(config.training, epochs=epochs),
        optimizer=dataclasses.replace(config.optimizer, learning_rate=learning_rate),
        schedule=ScheduleConfig(**schedule),
    )
    config.validate()
    assert Config.from_json(config.to_json()) == config
    return config


def error_of(**schedule):
    with pytest.raises(UsageError) as error:
        check(**schedule)
    message = str(error.value)
    assert message.startswith("schedule.")
    assert "\n" not in message
    return message


def test_the_catalog_has_every_name_and_every_field():
    assert tuple(schedules.SHAPES) == ScheduleName.__args__
    fields = {field for shape in schedules.SHAPES.values() for field in shape.fields}
    names = {field.name for field in dataclasses.fields(ScheduleConfig)}
    assert fields == names - {"name"}
    assert set(schedules.Curve("constant", 1, 1.0).to_dict()) > {"peak", "floor"}


@pytest.mark.parametrize(
    "name", [name for name in schedules.SHAPES if name != "custom"]
)
@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_every_name_works_as_it_stands(name, epochs):
    config = check(name=name, epochs=epochs)
    curve = schedules.build(
        config.schedule, config.optimizer, steps_per_epoch=3, epochs=epochs
    )
    assert max(curve(step) for step in range(3 * epochs)) > 0.05


GOOD = [
    {"warmup": "60%", "hold": "40%"},
    {"warmup": "20 epochs"},
    {"start": 0.1, "floor": 0.1},
    {"start": 0.0},
    {"warmup": "5000 steps"},  # the run's steps are not known yet
    {"name": "multistep", "boundaries": ("5%", "3 epochs", "90%", "7 steps")},
    {"name": "plateau", "period": "1 epoch"},
    {"name": "one_cycle", "start": 0.01, "floor": 0.01},
    {"name": "custom", "function": "my_package.my_module:rate"},
    {"name": "custom", "function": "0:1e-3,500:1e-4"},
    {"name": "custom", "function": "0,1e-3|500,1e-4"},
]


@pytest.mark.parametrize("schedule", GOOD, ids=str)
def test_what_makes_sense_is_taken(schedule):
    check(**schedule)


BAD = [
    ({"start": 0.2}, ["start", "0..0.1", "0.2"]),
    ({"start": -1e-3}, ["start", "-0.001"]),
    ({"floor": 0.2}, ["floor", "0..0.1, optimizer.learning_rate", "0.2"]),
    ({"floor": float("nan")}, ["floor", "nan"]),
    ({"name": "ramp", "decay": 0.0}, ["decay", "1e-06..1", "0.0"]),
    ({"name": "ramp", "decay": 1.5}, ["decay", "1e-06..1", "1.5"]),
    ({"name": "plateau", "decay": 1.0}, ["decay of plateau", "below 1", "1.0"]),
    ({"name": "polynomial", "power": 0.0}, ["power", "0.1..10", "0.0"]),
    ({"warmup": "soon"}, ["warmup", '"3 epochs"', "'soon'"]),
    ({"hold": "101%"}, ["hold", "0%..100%", "'101%'"]),
    ({"warmup": "60%", "hold": "41%"}, ["warmup and schedule.hold", "20 ep", "'41%'"]),
    ({"warmup": "21 epochs"}, ["warmup", "20 epochs", "'21 epochs'"]),
    ({"name": "step", "period": "0 epochs"}, ["period", "longer than 0", "'0 epochs'"]),
    ({"name": "plateau", "period": "5%"}, ["period", "whole epochs", "'5%'"]),
    ({"name": "plateau", "period": "1.5 epochs"}, ["period", "'1.5 epochs'"]),
    ({"name": "multistep", "boundaries": ()}, ["boundaries", "()"]),
    ({"name": "multistep", "boundaries": ("50%", "5 epochs")}, ["increase", "'50%'"]),
    ({"name": "multistep", "boundaries": ("9 steps", "9 steps")}, ["increase"]),
    (
        {"name": "multistep", "hold": "50%", "boundaries": ("50%",)},
        ["boundaries must come after", "'5%'", "'50%'"],
    ),
    (
        {"name": "one_cycle", "start": 0.01, "floor": 0.02},
        ["start of one_cycle", "0.02"],
    ),
    ({"name": "custom"}, ["function of custom", '"module:function"', "None"]),
    ({"name": "custom", "function": "rate"}, ["function", "'rate'"]),
    ({"name": "custom", "function": "5:0.1"}, ["function", "step 0", "'5:0.1'"]),
    ({"name": "custom", "function": "0:-0.1"}, ["function", "0..1000", "'0:-0.1'"]),
    ({"name": "custom", "function": "0:fast"}, ["function", "'0:fast'"]),
    # What a shape has no use for would be ignored without a word.
    ({"power": 2.0}, ["power is for polynomial", "with cosine", "1.0", "2.0"]),
    ({"name": "one_cycle", "hold": "60%"}, ["warmup and", "'45%' and '60%'"]),
    ({"name": "constant", "warmup": "10%"}, ["warmup is for cosine, ramp", "'10%'"]),
    ({"decay": 0.5}, ["decay is for ramp", "with cosine", "0.8", "0.5"]),
    ({"function": "a:b"}, ["function is for custom", "with cosine", "'a:b'"]),
    ({"name": "custom", "function": "a:b", "floor": 0.01}, ["floor is for", "0.01"]),
]


@pytest.mark.parametrize(("schedule", "words"), BAD, ids=str)
def test_what_makes_none_is_refused_by_name(schedule, words):
    message = error_of(**schedule)
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", presets.PRESETS)
def test_presets_have_a_learning_rate(name):
    config = presets.get(name)
    plan_of = dict(steps_per_epoch=7, epochs=config.training.epochs, num_replicas=8)
    curve = schedules.build(config.schedule, config.optimizer, **plan_of)
    assert schedules.describe(curve).startswith(f"{curve.name}, peak {curve.peak:g}")
