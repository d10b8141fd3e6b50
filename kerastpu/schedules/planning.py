"""The learning rate of a run that is not run: what a config means, without its data."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from kerastpu.errors import UsageError
from kerastpu.schedules import plateaus, scaling
from kerastpu.schedules.building import build
from kerastpu.schedules.curves import Curve
from kerastpu.schedules.shapes import LearningRateFunction

if TYPE_CHECKING:
    from kerastpu.config import Config

NUM_IMAGES = 1000  # where nobody says how many there are

_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "custom": {"function": "0:1e-3,40%:3e-4"},
}


@dataclass(frozen=True)
class Plan:
    """A learning rate, and the length of the run that it is for."""

    curve: Curve
    steps_per_epoch: int
    epochs: int
    num_images: int
    """Training images."""
    num_replicas: int
    rule: str
    """How the peak grows with the replicas, a key of `scaling.SOURCES`."""

    @property
    def factor(self) -> float:
        """What the rule multiplies the peak by."""
        return scaling.scale_with_replicas(1.0, self.num_replicas, self.rule)

    def epoch_rates(self) -> list[float]:
        """Returns the rate that each epoch starts with."""
        return [
            self.curve(self.steps_per_epoch * epoch) for epoch in range(self.epochs)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything and the rates, ready for `json`."""
        return {
            "schedule": self.curve.to_dict(),
            "epochs": self.epochs,
            "steps_per_epoch": self.steps_per_epoch,
            "num_images": self.num_images,
            "num_replicas": self.num_replicas,
            "replica_scaling": {"rule": self.rule, "factor": self.factor},
            "epoch_rates": self.epoch_rates(),
        }


def plan(
    config: Config, *, num_images: int | None = None, num_replicas: int = 1
) -> Plan:
    """Returns the learning rate that a run of `config` would have.

    Args:
        config: a run.
        num_images: training images; None = those of a data set known by name, else
            `NUM_IMAGES`.
        num_replicas: replicas, each with batches of `training.batch_size`.

    Raises:
        UsageError: a batch would hold more than all images, or see `build`.
    """
    num_images = _known_images(config) if num_images is None else num_images
    training, accumulate = config.training, config.optimizer.accumulate
    num_batches = num_images // (training.batch_size * num_replicas)
    steps_per_epoch = num_batches // accumulate
    if not steps_per_epoch:
        raise UsageError(
            f"an update takes training.batch_size x replicas x optimizer.accumulate = "
            f"{training.batch_size} x {num_replicas} x {accumulate} images, more than "
            f"the {num_images} training images; use fewer"
        )
    curve = build(
        config.schedule,
        config.optimizer,
        steps_per_epoch=steps_per_epoch,
        epochs=training.epochs,
        num_replicas=num_replicas,
    )
    return Plan(
        curve=curve,
        steps_per_epoch=steps_per_epoch,
        epochs=training.epochs,
        num_images=num_images,
        num_replicas=num_replicas,
        rule=config.optimizer.replica_scaling,
    )


def examples(epochs: int, steps_per_epoch: int) -> dict[str, LearningRateFunction]:
    """Returns every shape, as it is by default where that tells it from others.

    The loss that plateau goes by falls in the first epoch only.

    Returns:
        Title -> rate by step.
    """
    from kerastpu.config import OptimizerConfig, ScheduleConfig

    rates: dict[str, LearningRateFunction] = {}
    for name in get_args(get_type_hints(ScheduleConfig)["name"]):
        changed = _EXAMPLES.get(name, {})
        curve = build(
            ScheduleConfig(name=name, **changed),
            OptimizerConfig(),
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
        )
        words = [f"{field} {value}" for field, value in changed.items()]
        title = "\n".join([name, *words])
        rates[title] = curve
        if name == "plateau":
            rates[title] = functools.partial(_stalled, curve, steps_per_epoch)
    return rates


def _stalled(curve: Curve, steps_per_epoch: int, step: float) -> float:
    """Returns the rate of a plateau whose metric never falls after the first epoch."""
    begin = curve.warmup_steps + curve.hold_steps
    num_epochs = int(step // steps_per_epoch) - begin // steps_per_epoch
    rate = plateaus.plateau(
        [1.0] * num_epochs,
        peak=curve.peak,
        floor=curve.floor,
        decay=curve.options["decay"],
        patience=curve.options["patience"],
    )
    return min(rate, curve(step))


def _known_images(config: Config) -> int:
    """Returns the expected training images of a data set known by name."""
    from data_pipelines.sources import catalog, named

    name = "flowers" if config.data == "auto" else named.find_name(config.data)
    if name not in catalog.NAMED_SETS:
        return NUM_IMAGES
    known, inputs = catalog.NAMED_SETS[name], config.input
    rest = 1 - inputs.test_fraction
    share = rest - inputs.validation_fraction
    if known.num_test:  # only the validation images are taken from the others
        return round((known.num_images - known.num_test) * share / rest)
    return round(known.num_images * share)
