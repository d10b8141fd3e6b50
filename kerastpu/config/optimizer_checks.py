"""Optimizer and loss of a config against their ranges, and against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kerastpu.config.sections import LossConfig, OptimizerConfig
from kerastpu.config.values import in_range
from kerastpu.errors import UsageError
from kerastpu.models import REGISTRY

if TYPE_CHECKING:
    from kerastpu.config.run import Config

# Which of the fields that only some update rules know each of them takes. Adam with
# decoupled weight decay has a name of its own: adamw.
TAKEN: Mapping[str, tuple[str, ...]] = {
    "adam": ("beta_1", "beta_2", "epsilon"),
    "adamw": ("beta_1", "beta_2", "epsilon", "weight_decay"),
    "sgd": ("momentum", "nesterov", "weight_decay"),
    "rmsprop": ("momentum", "rho", "epsilon", "weight_decay"),
    "adadelta": ("rho", "epsilon", "weight_decay"),
    "adagrad": ("epsilon", "weight_decay"),
    "lion": ("beta_1", "beta_2", "weight_decay"),
    "muon": ("momentum", "nesterov", "beta_1", "beta_2", "epsilon", "weight_decay"),
    "lamb": ("beta_1", "beta_2", "epsilon", "weight_decay"),
}

_RANGES = {
    "learning_rate": (1e-12, 1e3),
    "momentum": (0.0, 0.9999),
    "beta_1": (0.0, 0.9999),
    "beta_2": (0.0, 0.99999),
    "rho": (0.0, 0.9999),
    "epsilon": (1e-12, 1.0),
    "weight_decay": (0.0, 1.0),
    "clip_norm": (0.0, 1e9),
    "clip_value": (0.0, 1e9),
    "accumulate": (1, 1024),
    "stage_decay": (1e-6, 1.0),
}


def check_optimizer(config: Config) -> None:
    """Checks `config.optimizer`.

    Raises:
        UsageError: a value out of its range, or one that the optimizer has no use for.
    """
    optimizer = config.optimizer
    for field, (low, high) in _RANGES.items():
        value = getattr(optimizer, field)
        if value is not None:
            in_range(f"optimizer.{field}", value, low, high)
    if optimizer.ema:
        in_range("optimizer.ema", optimizer.ema, 0.5, 0.99999)
    _check_taken(optimizer)
    if optimizer.name == "lion" and optimizer.beta_1 == 0:
        raise UsageError(
            "optimizer.beta_1 of lion must be above 0; "
            f"got {optimizer.beta_1!r}, which leaves the sign of one gradient"
        )
    if optimizer.clip_norm and optimizer.clip_value:
        raise UsageError(
            "optimizer.clip_value must be 0 beside optimizer.clip_norm: gradients are "
            f"clipped one way; got {optimizer.clip_value!r}"
        )
    _check_stage_decay(config)


def _check_taken(optimizer: OptimizerConfig) -> None:
    default = OptimizerConfig()
    taken = TAKEN[optimizer.name]
    for field in dict.fromkeys(name for names in TAKEN.values() for name in names):
        value = getattr(optimizer, field)
        if field in taken or value == getattr(default, field):
            continue
        takers = [name for name, names in TAKEN.items() if field in names]
        raise UsageError(
            f"optimizer.{field} is for {', '.join(takers)}: with {optimizer.name} it "
            f"must stay {getattr(default, field)!r}; got {value!r}"
        )


def _check_stage_decay(config: Config) -> None:
    decay, model = config.optimizer.stage_decay, config.model
    if decay == 1:
        return
    if config.training.mode != "end_to_end" or not REGISTRY[model.name].is_backbone:
        raise UsageError(
            "optimizer.stage_decay acts on the stages of a backbone that end_to_end "
            f"trains: with {model.name} in {config.training.mode} it must stay 1; "
            f"got {decay!r}"
        )
    if model.trainable_stages == 0:
        raise UsageError(
            "optimizer.stage_decay acts on stages that train: with "
            f"model.trainable_stages 0 it must stay 1; got {decay!r}"
        )


def check_loss(config: Config) -> None:
    """Checks `config.loss`.

    Raises:
        UsageError: a value out of its range, or one that the loss has no use for.
    """
    loss = config.loss
    in_range("loss.label_smoothing", loss.label_smoothing, 0.0, 0.5)
    in_range("loss.focal_gamma", loss.focal_gamma, 0.0, 10.0)
    in_range("loss.l1", loss.l1, 0.0, 1.0)
    in_range("loss.l2", loss.l2, 0.0, 1.0)
    default = LossConfig().focal_gamma
    if loss.name != "focal" and loss.focal_gamma != default:
        raise UsageError(
            f"loss.focal_gamma is for focal: with {loss.name} it must stay "
            f"{default!r}; got {loss.focal_gamma!r}"
        )
