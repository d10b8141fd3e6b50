"""Ready spaces: the learning rate first, and when it is right what keeps from overfit.

The order is that of the classical advice: a bad learning rate spoils all comparisons of
the rest, and where it is right already L1, L2, dropout and augmentation are next.
"""

from dataclasses import dataclass

from kerastpu import models
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.tuning import fields
from kerastpu.tuning.dimensions import Dimension

RATE, REGULARIZATION = "rate", "regularization"
STAGES = (RATE, REGULARIZATION)

_RATE_FACTOR = 30.0  # either way from the preset's
_NARROW_FACTOR = 3.0  # when other settings move, the best rate moves a little too
_HIGHEST_RATE = 10.0


@dataclass(frozen=True)
class Stage:
    """One search of several that build on each other.

    Attributes:
        name: rate or regularization.
        space: what is searched.
    """

    name: str
    space: tuple[Dimension, ...]


def ready(config: Config, stage: str) -> Stage:
    """Returns the space of a stage for any config.

    Args:
        config: its learning rate is the middle of the range; for `regularization` the
            best one of `rate`.
        stage: rate or regularization.

    Raises:
        UsageError: there is no such stage.
    """
    if stage == RATE:
        return Stage(stage, (_rate(config, _RATE_FACTOR),))
    if stage == REGULARIZATION:
        return Stage(stage, _regularization(config))
    raise UsageError(f"stage must be one of {', '.join(STAGES)}; got {stage!r}")


def _rate(config: Config, factor: float) -> Dimension:
    rate, schedule = config.optimizer.learning_rate, config.schedule
    # A schedule that starts or ends at a rate of its own allows no lower peak.
    lowest = max(rate / factor, schedule.start or 0.0, schedule.floor)
    return fields.tunable(
        "optimizer.learning_rate",
        range=(lowest, min(_HIGHEST_RATE, rate * factor)),
        log=True,
    )


def _regularization(config: Config) -> tuple[Dimension, ...]:
    space = [
        _rate(config, _NARROW_FACTOR),
        # The lower ends do nothing: they stand for none.
        fields.tunable("loss.l1", range=(1e-7, 1e-3), log=True),
        fields.tunable("loss.l2", range=(1e-6, 1e-2), log=True),
        fields.tunable("loss.label_smoothing", range=(0.0, 0.2)),
    ]
    is_backbone = models.REGISTRY[config.model.name].is_backbone
    if is_backbone or config.training.mode == "features":
        space.append(fields.tunable("model.head.dropout", range=(0.0, 0.8)))
    # Of kept features only mixing changes what is trained on; crops would have them
    # computed anew.
    space.append(fields.tunable("input.augment.mixup", choices=(0.0, 0.1, 0.2, 0.4)))
    if config.training.mode == "end_to_end":
        space.append(
            fields.tunable("input.augment.rotation", choices=(0.0, 5.0, 10.0, 20.0))
        )
        space.append(fields.tunable("input.augment.cutout", range=(0.0, 0.5)))
    return tuple(space)
