"""Configs survive JSON, and a bad value is refused by name."""

import dataclasses
import json
from typing import get_type_hints

import pytest

from data_pipelines.augment import Augment
from kerastpu import presets
from kerastpu.config import Config
from kerastpu.config.optimizer_checks import TAKEN
from kerastpu.errors import UsageError
from kerastpu.models import REGISTRY


@pytest.mark.parametrize("name", presets.PRESETS)
def test_presets_are_valid_and_survive_json(name):
    config = presets.get(name)
    config.validate()
    assert config.preset == name
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_explains_itself(name):
    assert len(presets.PRESETS[name].__doc__) > 40


def _with(changes):
    """Returns the default config as JSON with some fields set, named by their paths."""
    values = Config().to_dict()
    for path, value in changes.items():
        *groups, last = path.split(".")
        place = values
        for group in groups:
            place = place[group]
        place[last] = value
    return json.dumps(values)


def _refusal(changes):
    with pytest.raises(UsageError) as error:
        Config.from_json(_with(changes))
    message = str(error.value)
    assert "\n" not in message
    return message


# Values that each field refuses, whatever the other fields say.
BAD = {
    "preset": [5],
    "data": [5, None],
    "accelerator": ["quantum"],
    "backend": ["torch"],
    "precision": ["float8"],
    "seed": [-1, "zero", 2**31, 0.5],
    "input.image_size": [8, 48.5, 2000, "big"],
    "input.color": ["cmyk"],
    "input.test_fraction": [0.0, 0.9, float("nan")],
    "input.validation_fraction": [0, 0.9, None],
    "input.skip_bad": [1],
    "input.shuffle_labels": ["yes"],
    "input.order": ["random"],
    "input.cache_mib": [-1, 1.5],
    "model.name": ["resnet-9000", None],
    "model.weights": ["homemade", 3],
    "model.num_classes": [1, 2.0],
    "model.normalization": ["zscore", "mnist"],
    "model.head.pooling": ["sum"],
    "model.head.taps": ["block_1", [5], ["block_1", "block_1"]],
    "model.head.units": [[0], [64, -1], [1.5], 64, [10**6]],
    "model.head.activation": ["step"],
    "model.head.batch_norm": [1],
    "model.head.dropout": [1.0, -0.1],
    "model.trainable_stages": [-1, 1.5, 1000],
    "model.cut": [5],
    "model.freeze_batch_norm": [0],
    "optimizer.name": ["lbfgs"],
    "optimizer.learning_rate": [0, True, -1e-3, 1e4, float("inf")],
    "optimizer.replica_scaling": ["cubic"],
    "optimizer.momentum": [1.0, -0.1],
    "optimizer.nesterov": [1],
    "optimizer.beta_1": [1.0, -0.1],
    "optimizer.beta_2": [1.0, "high"],
    "optimizer.rho": [1.0, -1],
    "optimizer.epsilon": [0, 2.0],
    "optimizer.weight_decay": [-0.1, 1.5],
    "optimizer.clip_norm": [-1.0, float("nan")],
    "optimizer.clip_value": [-1.0, None],
    "optimizer.ema": [0.3, 1.0, -0.5],
    "optimizer.accumulate": [0, 2000, 1.5],
    "optimizer.stage_decay": [0.0, 1.5],
    "schedule.name": ["zigzag"],
    "schedule.warmup": ["soon", 5],
    "schedule.hold": ["soon", 5],
    "schedule.start": ["low", -1.0],
    "schedule.floor": ["low", -1.0],
    "schedule.decay": [0, 1.5],
    "schedule.period": [5, "often"],
    "schedule.boundaries": ["50%", [50]],
    "schedule.power": ["two", 0, 11],
    "schedule.function": [5],
    "loss.name": ["hinge"],
    "loss.label_smoothing": [-0.1, 0.6],
    "loss.focal_gamma": [-1.0, 11],
    "loss.class_weights": ["heavy"],
    "loss.l1": [-1e-4, 2],
    "loss.l2": [-1e-4, 2],
    "training.mode": ["by magic", {}],
    "training.epochs": [0, 10**6, 1.0],
    "training.batch_size": [-3, 10**6],
    "training.patience": [-1, 1.5],
    "training.views": [-1, 51],
    "training.engine": ["torch"],
    "training.feature_dtype": ["int8"],
    "training.checkpoint_seconds": [-1, "often"],
    "training.deterministic": [1],
}


def _paths(kind, prefix=""):
    for name, hint in get_type_hints(kind).items():
        if hint is Augment:  # checks itself when it is made
            continue
        if dataclasses.is_dataclass(hint):
            yield from _paths(hint, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_field_is_known_to_refuse_something():
    assert set(_paths(Config)) == set(BAD)


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path in BAD for value in BAD[path]]
)
def test_value_that_is_not_allowed_is_refused_by_name(path, value):
    message = _refusal({path: value})
    assert message.startswith(path)
    shown = tuple(value) if isinstance(value, list) else value
    assert repr(shown) in message


END_TO_END = {"training.mode": "end_to_end"}
PLAIN = END_TO_END | {"model.name": "convnet", "model.weights": None}
BACKBONE = END_TO_END | {"model.name": "efficientnet_lite0"}


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        ({}, "model.freeze_batch_norm", True),
        ({"model.trainable_stages": 0}, "model.freeze_batch_norm", True),
        (BACKBONE, "model.cut", "block_2"),
        (BACKBONE, "training.engine", "onnx"),
        (BACKBONE, "training.feature_dtype", "float16"),
        ({}, "optimizer.stage_decay", 0.5),
        ({}, "model.head.activation", "gelu"),
        ({}, "input.order", "window"),
        ({}, "input.cache_mib", 64),
        ({}, "optimizer.weight_decay", 0.1),
        ({}, "loss.focal_gamma", 1.0),
        (PLAIN, "model.weights", "imagenet"),
        (PLAIN, "model.head.pooling", "max"),
        (PLAIN, "model.head.units", [64]),
        (PLAIN, "model.head.taps", ["conv_1"]),
        (PLAIN, "model.head.batch_norm", True),
        (PLAIN, "model.head.dropout", 0.0),
        (PLAIN, "model.trainable_stages", 0),
        (PLAIN, "model.freeze_batch_norm", True),
        (PLAIN, "optimizer.stage_decay", 0.5),
        (PLAIN, "training.views", 3),
        (
            PLAIN | END_TO_END | {"training.mode": "features"},
            "model.head.pooling",
            "max",
        ),
        (BACKBONE | {"model.trainable_stages": 0}, "optimizer.stage_decay", 0.5),
        (BACKBONE, "input.image_size", 31),
        ({"optimizer.clip_norm": 1.0}, "optimizer.clip_value", 0.5),
        ({"optimizer.name": "lion"}, "optimizer.beta_1", 0.0),
    ],
)
def test_value_that_would_be_ignored_is_refused_by_name(base, path, value):
    message = _refusal(base | {path: value})
    assert message.startswith(path)
    assert repr(tuple(value) if isinstance(value, list) else value) in message


def test_a_network_is_cut_in_one_way():
    message = _refusal({"model.cut": "block_2", "model.trainable_stages": 1})
    assert message.startswith("model.cut and model.trainable_stages")


@pytest.mark.parametrize(
    "changes",
    [
        BACKBONE | {"model.trainable_stages": 2, "optimizer.stage_decay": 0.5},
        BACKBONE | {"model.freeze_batch_norm": True, "model.head.units": [64, 32]},
        {"model.trainable_stages": 2, "model.freeze_batch_norm": True},
        {"model.cut": "block_2", "training.feature_dtype": "float16"},
        {"model.head.units": [64], "model.head.activation": "gelu"},
        {"loss.name": "focal", "loss.focal_gamma": 1.0, "loss.label_smoothing": 0.1},
        {"optimizer.ema": 0.99, "optimizer.accumulate": 4, "optimizer.clip_norm": 1},
        PLAIN | {"model.normalization": "mnist", "input.image_size": 28},
    ],
)
def test_values_that_go_together_are_taken(changes):
    config = Config.from_json(_with(changes))
    assert Config.from_json(config.to_json()) == config


OWN = {
    "momentum": 0.5,
    "nesterov": False,
    "beta_1": 0.8,
    "beta_2": 0.95,
    "rho": 0.8,
    "epsilon": 1e-5,
    "weight_decay": 0.01,
}


@pytest.mark.parametrize("field", OWN)
@pytest.mark.parametrize("name", TAKEN)
def test_optimizer_takes_its_own_numbers_and_refuses_those_of_others(name, field):
    path = f"optimizer.{field}"
    changes = {"optimizer.name": name, path: OWN[field]}
    if field in TAKEN[name]:
        config = Config.from_json(_with(changes))
        assert getattr(config.optimizer, field) == OWN[field]
    else:
        message = _refusal(changes)
        assert message.startswith(path)
        assert repr(OWN[field]) in message
        assert name in message


def test_every_optimizer_has_its_fields():
    hint = get_type_hints(type(Config().optimizer))["name"]
    assert set(hint.__args__) == set(TAKEN)
    assert {field for fields in TAKEN.values() for field in fields} == set(OWN)


@pytest.mark.parametrize("name", ["convnet", "efficientnet_lite0"])
def test_weights_may_be_a_file(name):
    """Which is looked for when the model is built: a finished run still loads."""
    changes = {"model.name": name, "model.weights": "mine.weights.h5"}
    assert Config.from_json(_with(changes)).model.weights == "mine.weights.h5"


@pytest.mark.parametrize("name", REGISTRY)
def test_every_registered_model_can_be_named(name):
    entry = REGISTRY[name]
    size = max(16, entry.min_size)
    changes = {"model.name": name, "model.weights": None, "input.image_size": size}
    assert Config.from_json(_with(changes | END_TO_END)).model.name == name


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


def test_pasting_needs_images():
    message = _refusal({"input.augment": {"cutmix": 0.2}})
    assert message.startswith("input.augment.cutmix") and "0.2" in message
