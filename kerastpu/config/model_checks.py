"""Network of a config against what the registry knows of it, and against the mode."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from kerastpu import pretrained
from kerastpu.config.sections import HeadConfig
from kerastpu.config.values import in_range
from kerastpu.errors import UsageError
from kerastpu.models import ModelEntry, registry

if TYPE_CHECKING:
    from kerastpu.config.run import Config


def check_model(config: Config) -> None:
    """Checks `config.model`.

    Raises:
        UsageError: an unknown model, a value that it does not know, or one that would
            be ignored.
    """
    model = config.model
    try:
        entry = registry.find(model.name)
    except UsageError as error:
        raise UsageError(f"model.name: {error}") from None
    # A file is looked for when the network is built: a finished run loads without.
    pretrained.check_name(
        model.weights, entry.weights, f"model.weights of {model.name}"
    )
    if model.normalization not in ("default", *entry.normalizations):
        raise UsageError(
            f"model.normalization of {model.name} must be default; "
            f"got {model.normalization!r}"
        )
    if model.num_classes is not None:
        in_range("model.num_classes", model.num_classes, 2, 1_000_000)
    in_range(
        f"input.image_size of {model.name}",
        config.input.image_size,
        entry.min_size,
        1024,
    )
    _check_head(config, entry)
    _check_freezing(config, entry)


def check_head(head: HeadConfig, prefix: str) -> None:
    """Checks the numbers of a head; `prefix` stands before the names in an error.

    Raises:
        UsageError: one of them is out of range.
    """
    in_range(f"{prefix}dropout", head.dropout, 0.0, 0.9)
    if head.taps and head.pooling == "flatten":
        raise UsageError(
            f"{prefix}taps are pooled by avg or max: with flatten they must stay (); "
            f"got {head.taps!r}"
        )
    if len(set(head.taps)) < len(head.taps):
        raise UsageError(f"{prefix}taps must differ; got {head.taps!r}")
    for units in head.units:
        if not 1 <= units <= 65_536:
            raise UsageError(f"{prefix}units must each be 1..65536; got {head.units!r}")


def _check_head(config: Config, entry: ModelEntry) -> None:
    head, default = config.model.head, HeadConfig()
    check_head(head, "model.head.")
    if head.activation != default.activation and not head.units:
        raise UsageError(
            "model.head.activation is that of hidden layers: without "
            f"model.head.units it must stay {default.activation}; "
            f"got {head.activation!r}"
        )
    if entry.is_backbone:
        return
    # Without its classifier such a network still makes features, in its own way.
    is_own_head = config.training.mode == "end_to_end"
    kept = (
        tuple(field.name for field in dataclasses.fields(head))
        if is_own_head
        else ("pooling", "taps")
    )
    for field in kept:
        value = getattr(head, field)
        if value != getattr(default, field):
            raise UsageError(
                f"model.head.{field} is for backbones: {config.model.name} is none, "
                f"and in {config.training.mode} it must stay "
                f"{getattr(default, field)!r}; got {value!r}"
            )


def _check_freezing(config: Config, entry: ModelEntry) -> None:
    model, mode = config.model, config.training.mode
    if model.trainable_stages is not None:
        in_range("model.trainable_stages", model.trainable_stages, 0, 100)
    if model.cut is not None:
        _check_cut(config)
    trains_layers = mode == "end_to_end" or model.cut or model.trainable_stages
    if model.freeze_batch_norm and not (entry.is_backbone and trains_layers):
        raise UsageError(
            "model.freeze_batch_norm is for backbones of which layers train: with "
            f"{model.name} in {mode} it must stay False here; got True"
        )
    if model.trainable_stages is not None and not entry.is_backbone:
        raise UsageError(
            f"model.trainable_stages is for backbones: with {model.name} it must stay "
            f"None; got {model.trainable_stages!r}"
        )


def _check_cut(config: Config) -> None:
    """Refuses a cut where no features are kept, or that another field makes too."""
    model, mode = config.model, config.training.mode
    if mode != "features":
        raise UsageError(
            f"model.cut says which features are kept: in {mode} it must stay None; "
            f"got {model.cut!r}"
        )
    if model.trainable_stages is not None:
        raise UsageError(
            "model.cut and model.trainable_stages both say where the network is cut; "
            f"give one of them (got {model.cut!r} and {model.trainable_stages})"
        )
