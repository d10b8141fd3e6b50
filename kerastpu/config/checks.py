"""Input and training of a config against their allowed ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerastpu.config.sections import InputConfig, TrainingConfig
from kerastpu.config.values import in_range
from kerastpu.errors import UsageError

if TYPE_CHECKING:
    from kerastpu.config.run import Config

# Fields of `training` that say how features are kept, and nothing else.
OF_FEATURES = ("views", "engine", "feature_dtype")


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
    if training.mode == "features":
        _check_kept_features(inputs)


def _check_kept_features(inputs: InputConfig) -> None:
    """Refuses what acts on batches of images, of which kept features have none."""
    if inputs.augment.cutmix:
        raise UsageError(
            "input.augment.cutmix mixes the images of a batch: for features it must be "
            f"0, or training.mode end_to_end; got {inputs.augment.cutmix!r}"
        )
    for field in ("order", "cache_mib"):
        value, default = getattr(inputs, field), getattr(InputConfig(), field)
        if value != default:
            raise UsageError(
                f"input.{field} acts on the batches of end_to_end: for features it "
                f"must stay {default}; got {value!r}"
            )


def check_training(config: Config) -> None:
    """Checks `config.training`."""
    training = config.training
    in_range("training.epochs", training.epochs, 1, 10_000)
    in_range("training.batch_size", training.batch_size, 1, 65_536)
    in_range("training.views", training.views, 0, 50)
    in_range("training.patience", training.patience, 0, 10_000)
    in_range("training.checkpoint_seconds", training.checkpoint_seconds, 0, 86_400)
    if training.mode == "end_to_end":
        _check_no_kept_features(training)


def _check_no_kept_features(training: TrainingConfig) -> None:
    """Refuses what says how features are kept, where none are."""
    for field in OF_FEATURES:
        value, default = getattr(training, field), getattr(TrainingConfig(), field)
        if value != default:
            raise UsageError(
                f"training.{field} is of kept features: in end_to_end it must stay "
                f"{default}; got {value!r}"
            )
