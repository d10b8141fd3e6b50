"""A range test of a preset: its own network, loss, optimizer and training batches."""

import logging
from typing import NamedTuple

from kerastpu import backend, datasets, seeds, stopwatch, strategy, training
from kerastpu.config import Config
from kerastpu.lr_range import RangeTest, check_range
from kerastpu.progress import progress

LOG = logging.getLogger("kerastpu")


class Found(NamedTuple):
    """A range test, and the replicas that its batches were shared by."""

    result: RangeTest
    num_replicas: int


def find(config: Config, *, low: float, high: float, num_steps: int) -> Found:
    """Tests learning rates on what `config` trains; in features mode that is the head.

    Args:
        config: a run; schedule, learning rate and epochs play no part.
        low: first rate, above 0.
        high: last rate.
        num_steps: steps from `low` to `high`, at least 10.

    Raises:
        UsageError: a field or an argument that is not allowed.
        DataError: images that cannot be used.
        AcceleratorError: the accelerator asked for is not there.
        MissingExtraError: an optional dependency is absent.
        KerastpuError: no loss is a number.
    """
    config.validate()
    check_range(low, high, num_steps)
    backend.start(config.backend)
    needs = training.needs(config)
    accelerator = strategy.resolve(config.accelerator, config.precision, needs)
    LOG.info("accelerator: %s", accelerator.describe())
    manifest = datasets.prepare(config)
    training.check_classes(config, manifest)
    seeds.set_seed(config.seed)
    from kerastpu import fitting, lr_finder, recipes, regularization, schedules

    recipe = recipes.RECIPES[config.training.mode]
    task = recipe(config, manifest, accelerator, stopwatch.Stopwatch(), lambda: None)
    penalty = {"l1": config.loss.l1, "l2": config.loss.l2}
    rate = schedules.Curve("constant", 1, config.optimizer.learning_rate)
    weights = training.class_weights_of(config, manifest)
    with (
        accelerator.scope(),
        regularization.penalties(task.model, **penalty),
        progress("range test") as update,
    ):
        fitting.compile_model(task.model, rate, weights, config, accelerator)
        result = lr_finder.find(
            task.model,
            task.make_batches(0),
            low=low,
            high=high,
            num_steps=num_steps,
            update=update,
        )
    return Found(result, accelerator.num_replicas)
