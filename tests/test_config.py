"""Configs survive JSON, and a bad value is refused by name."""

import dataclasses
import json

import pytest

from kerastpu import presets
from kerastpu.config import Config
from kerastpu.errors import UsageError


@pytest.mark.parametrize("name", presets.PRESETS)
def test_presets_are_valid_and_survive_json(name):
    config = presets.get(name)
    config.validate()
    assert config.preset == name
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_explains_itself(name):
    assert len(presets.PRESETS[name].__doc__) > 40


def _with(path, value):
    """Returns the default config as a dict with one field set."""
    values = Config().to_dict()
    *groups, last = path.split(".")
    place = values
    for group in groups:
        place = place[group]
    place[last] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", -1),
        ("seed", "zero"),
        ("accelerator", "quantum"),
        ("input.image_size", 8),
        ("input.test_fraction", 0.0),
        ("model.name", "resnet-9000"),
        ("model.num_classes", 1),
        ("model.dropout", 1.0),
        ("optimizer.learning_rate", 0),
        ("optimizer.learning_rate", True),
        ("optimizer.schedule", "zigzag"),
        ("optimizer.warmup", "soon"),
        ("training.epochs", 0),
        ("training.batch_size", -3),
        ("training.mode", "by magic"),
        ("training.mode", {}),
        ("input.image_size", 48.5),
        ("input.skip_bad", 1),
        ("data", 5),
        ("optimizer.warmup", 5),
        ("model.weights", "homemade"),
        ("optimizer.weight_decay", 0.1),
    ],
)
def test_value_that_is_not_allowed_is_refused_by_name(path, value):
    with pytest.raises(UsageError) as error:
        Config.from_json(_with(path, value))
    message = str(error.value)
    assert message.startswith(path)
    assert repr(value) in message
    assert "\n" not in message


def test_unknown_field_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match=r"no field 'lr'.*learning_rate"):
        Config.from_json(json.dumps({"optimizer": {"lr": 1}}))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"model": 3}'])
def test_what_is_no_config_is_refused(text):
    with pytest.raises(UsageError):
        Config.from_json(text)


def test_fractions_leave_some_for_training():
    greedy = dataclasses.replace(
        Config().input, test_fraction=0.5, validation_fraction=0.5
    )
    with pytest.raises(UsageError, match=r"0\.\.0\.9"):
        dataclasses.replace(Config(), input=greedy).validate()
