"""Fields of a config as settings, and the spaces that are ready."""

import json

import pytest

from kerastpu import presets
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.tuning import fields, spaces
from kerastpu.tuning.dimensions import Choice, Float, Int, values_at

TEXTS = {
    "optimizer.learning_rate=1e-4:1e-1:log": Float,
    "training.batch_size=16:256:log": Int,
    "optimizer.name=adam,sgd": Choice,
    "optimizer.beta_1=None,0.8": Choice,
    "training.deterministic": Choice,
    "loss.name": Choice,
}


@pytest.mark.parametrize("preset", presets.PRESETS)
@pytest.mark.parametrize("stage", spaces.STAGES)
def test_ready_spaces_hold_only_what_the_preset_allows(preset, stage):
    config = presets.get(preset)
    space = spaces.ready(config, stage).space
    names = [dimension.name for dimension in space]
    assert names[0] == "optimizer.learning_rate"
    assert (len(names) == 1) == (stage == spaces.RATE)
    for unit in (0.0, 0.5, 0.999):
        values = values_at(space, [unit] * len(space))
        changed = fields.apply(config, values)
        assert {name: fields.get(changed, name) for name in names} == values
    low, high = space[0].low, space[0].high
    assert low <= config.optimizer.learning_rate <= high


@pytest.mark.parametrize(("text", "kind"), TEXTS.items())
def test_a_dimension_is_read_from_a_word_and_kept_as_json(text, kind):
    dimension = fields.parse(text)
    assert isinstance(dimension, kind)
    assert dimension.name == text.partition("=")[0]
    kept = json.loads(json.dumps(fields.to_dict(dimension)))
    assert fields.from_dict(kept) == dimension
    config = fields.apply(Config(), {dimension.name: dimension.value(0.3)})
    assert type(fields.get(config, dimension.name)) is type(dimension.value(0.3))


def test_a_setting_may_count_only_with_others():
    space = [
        fields.tunable("optimizer.name", choices=("sgd", "adam")),
        fields.tunable(
            "optimizer.momentum", range=(0.5, 0.99), when={"optimizer.name": ["sgd"]}
        ),
    ]
    assert "optimizer.momentum" in values_at(space, [0.1, 0.5])
    assert "optimizer.momentum" not in values_at(space, [0.9, 0.5])
    kept = [fields.from_dict(json.loads(json.dumps(fields.to_dict(d)))) for d in space]
    assert kept == space


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optimizer.speed=1:2", "no field 'optimizer.speed'"),
        ("optimizer=1:2", "is a section"),
        ("optimizer.learning_rate", "needs a range or choices"),
        ("optimizer.learning_rate=a:b", "two numbers; got 'a'"),
        ("optimizer.learning_rate=1:2:ln", '":log"'),
        ("optimizer.name=1:2", "takes choices, not a range"),
        ("training.epochs=1:2.5", "whole numbers"),
        ("training.epochs=few", "does not take 'few'"),
        ("optimizer.learning_rate=2:1", "low must be below high"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(text, message):
    with pytest.raises(UsageError, match=message):
        fields.parse(text)
