"""From a typed config to a Keras optimizer with its schedule."""

import functools

import keras

from kerastpu import durations, schedules
from kerastpu.config import OptimizerConfig, ScheduleConfig


def learning_rate_function(
    config: OptimizerConfig,
    schedule: ScheduleConfig,
    *,
    steps_per_epoch: int,
    epochs: int,
    num_replicas: int,
) -> schedules.LearningRateFunction:
    """Returns the learning rate as a pure function of the step.

    Args:
        config: peak, and how it grows with replicas.
        schedule: shape.
        steps_per_epoch: optimizer steps in one epoch.
        epochs: epochs of the whole run.
        num_replicas: replicas; the peak grows by `config.replica_scaling`.
    """
    total_steps = steps_per_epoch * epochs
    peak = schedules.scale_with_replicas(
        config.learning_rate, num_replicas, config.replica_scaling
    )
    warmup_steps = durations.to_steps(
        schedule.warmup, steps_per_epoch=steps_per_epoch, total_steps=total_steps
    )
    if schedule.name == "cosine":
        return functools.partial(
            schedules.warmup_cosine,
            peak=peak,
            warmup_steps=warmup_steps,
            total_steps=total_steps,
        )
    if schedule.name == "ramp":
        low = min(1e-5, peak)
        return schedules.by_epoch(
            functools.partial(
                schedules.ramp_sustain_decay,
                start=low,
                peak=peak,
                floor=low,
                ramp_epochs=max(1, round(warmup_steps / steps_per_epoch)),
                decay=schedule.decay,
            ),
            steps_per_epoch,
        )
    return functools.partial(schedules.constant, value=peak)


def build_optimizer(
    config: OptimizerConfig, function: schedules.LearningRateFunction, total_steps: int
) -> keras.optimizers.Optimizer:
    """Builds the optimizer of `config` whose rate follows `function`."""
    rate = schedules.tabulate(function, total_steps)
    if config.name == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    if config.name == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return keras.optimizers.Adam(rate)
