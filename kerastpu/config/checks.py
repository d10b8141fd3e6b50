"""Every field of a config against its allowed range, one section at a time."""

from __future__ import annotations

import dataclasses
import types
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from kerastpu import durations
from kerastpu.errors import UsageError
from kerastpu.models import REGISTRY

if TYPE_CHECKING:
    from kerastpu.config.run import Config


def check_types(config: Any, prefix: str) -> None:
    """Checks every field against its annotation, also in nested configs."""
    hints = get_type_hints(type(config))
    for item in dataclasses.fields(config):
        value, name = getattr(config, item.name), f"{prefix}{item.name}"
        if dataclasses.is_dataclass(value):
            check_types(value, f"{name}.")
            continue
        hint = hints[item.name]
        allowed = get_args(hint)
        if get_origin(hint) is Literal:
            if value not in allowed:
                raise UsageError(
                    f"{name} must be one of {', '.join(allowed)}; got {value!r}"
                )
            continue
        is_union = get_origin(hint) in (Union, types.UnionType)
        kinds = [get_origin(kind) or kind for kind in (allowed if is_union else [hint])]
        is_whole_float = float in kinds and type(value) is int
        if type(value) not in kinds and not is_whole_float:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise UsageError(f"{name} must be {names}; got {value!r}")


def check_input(config: Config) -> None:
    """Checks `config.input` and the seed."""
    inputs, training = config.input, config.training
    in_range("seed", config.seed, 0, 2**31 - 1)
    in_range("input.image_size", inputs.image_size, 16, 1024)
    in_range("input.test_fraction", inputs.test_fraction, 0.01, 0.8)
    in_range("input.validation_fraction", inputs.validation_fraction, 0.01, 0.8)
    held_out = inputs.test_fraction + inputs.validation_fraction
    in_range("input.test_fraction + input.validation_fraction", held_out, 0, 0.9)
    in_range("input.cache_mib", inputs.cache_mib, 0, 2**20)
    if inputs.augment.is_mixing and training.mode == "features":
        raise UsageError(
            "input.augment.mixup and cutmix mix the images of a batch: "
            "training.mode must be end_to_end; got features"
        )
    is_plain = inputs.order == "exact" and not inputs.cache_mib
    if training.mode == "features" and not is_plain:
        raise UsageError(
            "input.order and input.cache_mib act on the batches of end_to_end: "
            f"they must be exact and 0 for features; got {inputs.order} and "
            f"{inputs.cache_mib}"
        )


def check_model(config: Config) -> None:
    """Checks `config.model`."""
    model = config.model
    if model.name not in REGISTRY:
        raise UsageError(
            f"model.name must be one of {', '.join(REGISTRY)}; got {model.name!r}"
        )
    entry = REGISTRY[model.name]
    if model.normalization != "default" and (
        model.normalization not in entry.normalizations
    ):
        raise UsageError(
            f"model.normalization of {model.name} must be default; "
            f"got {model.normalization!r}"
        )
    if model.num_classes is not None:
        in_range("model.num_classes", model.num_classes, 2, 1_000_000)
    if model.weights is not None and model.weights not in entry.weights:
        raise UsageError(
            f"model.weights of {model.name} must be "
            f"{' or '.join((*entry.weights, 'None'))}; got {model.weights!r}"
        )
    in_range("model.head.dropout", model.head.dropout, 0.0, 0.9)


def check_optimizer(config: Config) -> None:
    """Checks `config.optimizer`."""
    optimizer = config.optimizer
    in_range("optimizer.learning_rate", optimizer.learning_rate, 1e-12, 1e3)
    in_range("optimizer.weight_decay", optimizer.weight_decay, 0.0, 1.0)


def check_schedule(config: Config) -> None:
    """Checks `config.schedule`."""
    schedule = config.schedule
    durations.parse(schedule.warmup, "schedule.warmup")
    in_range("schedule.decay", schedule.decay, 1e-6, 1.0)


def check_loss(config: Config) -> None:
    """Checks `config.loss`."""
    in_range("loss.label_smoothing", config.loss.label_smoothing, 0.0, 0.5)


def check_training(config: Config) -> None:
    """Checks `config.training`."""
    training = config.training
    in_range("training.epochs", training.epochs, 1, 10_000)
    in_range("training.batch_size", training.batch_size, 1, 65_536)
    in_range("training.views", training.views, 0, 50)


def in_range(name: str, value: float, low: float, high: float) -> None:
    """Refuses what is not a number in low..high."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} must be a number; got {value!r}")
    if not low <= value <= high:
        raise UsageError(f"{name} must be {low:g}..{high:g}; got {value!r}")
