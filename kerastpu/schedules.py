"""Learning rates as pure functions of the step, and the Keras class over them."""

import functools
import math
from collections.abc import Callable

import keras

LearningRateFunction = Callable[[float], float]


def warmup_cosine(
    step: float, *, peak: float, warmup_steps: int, total_steps: int
) -> float:
    """Linear rise from 0 to `peak`, then half a cosine down to 0.

    Loshchilov & Hutter, 2016 (https://arxiv.org/abs/1608.03983), without restarts.

    Args:
        step: optimizer steps done so far, 0..total_steps.
        peak: highest learning rate, reached at `warmup_steps`.
        warmup_steps: steps of the rise.
        total_steps: step at which the rate is 0 again.

    Returns:
        The learning rate, 0..peak.
    """
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def ramp_sustain_decay(
    epoch: float,
    *,
    start: float = 1e-5,
    peak: float,
    floor: float = 1e-5,
    ramp_epochs: float = 5,
    sustain_epochs: float = 0,
    decay: float = 0.8,
) -> float:
    """The codelab's warm-up: linear ramp, plateau, exponential decay.

    Source: "Keras on TPU" codelab, Xception fine-tuning notebook.

    Args:
        epoch: passes done so far; whole numbers give the codelab's table, fractions
            lie on the same curve.
        start: rate at epoch 0.
        peak: rate at the end of the ramp.
        floor: what the decay goes towards.
        ramp_epochs: length of the ramp.
        sustain_epochs: length of the plateau.
        decay: factor per epoch after the plateau.

    Returns:
        The learning rate, between min(start, floor) and peak.
    """
    if epoch < ramp_epochs:
        return start + (peak - start) * epoch / ramp_epochs
    if epoch < ramp_epochs + sustain_epochs:
        return peak
    return floor + (peak - floor) * decay ** (epoch - ramp_epochs - sustain_epochs)


def constant(step: float, *, value: float) -> float:
    """The same learning rate at every step."""
    return value


@keras.saving.register_keras_serializable(package="kerastpu")
class TableSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Any `lr(step)` as a table looked up inside the compiled training step.

    A table holds exactly what the pure function returns, whatever Python it is made
    of, and costs 4 bytes a step.

    Args:
        values: learning rate of each step, (steps,); the last one holds afterwards.
    """

    def __init__(self, values: list[float]):
        if not len(values):
            raise ValueError("values must hold at least one learning rate; got none")
        self.values = [float(value) for value in values]
        self._table = keras.ops.convert_to_tensor(self.values, dtype="float32")

    def __call__(self, step):
        """Returns the learning rate, a float32 scalar, at integer `step`."""
        index = keras.ops.minimum(keras.ops.cast(step, "int32"), len(self.values) - 1)
        return keras.ops.take(self._table, index)

    def get_config(self):
        """Returns the table, so that a saved optimizer keeps its schedule."""
        return {"values": self.values}


def tabulate(function: LearningRateFunction, total_steps: int) -> TableSchedule:
    """Turns a pure function of the step into the Keras class, for `total_steps`."""
    return TableSchedule([function(step) for step in range(total_steps)])


def by_epoch(
    function: LearningRateFunction, steps_per_epoch: int
) -> LearningRateFunction:
    """Turns a function of the epoch into one of the step, stepping once an epoch."""

    @functools.wraps(function)
    def of_step(step: float) -> float:
        return function(step // steps_per_epoch)

    return of_step


def scale_with_replicas(learning_rate: float, num_replicas: int, rule: str) -> float:
    """Scales a one-replica learning rate to the global batch of N replicas.

    Args:
        learning_rate: what suits one replica's batch.
        num_replicas: replicas that share a step.
        rule: "linear" (Goyal et al., 2017, https://arxiv.org/abs/1706.02677: x N),
            "sqrt" (x square root of N) or "none".

    Returns:
        The learning rate for the global batch.
    """
    factor = {"none": 1.0, "sqrt": math.sqrt(num_replicas), "linear": num_replicas}
    return learning_rate * factor[rule]
