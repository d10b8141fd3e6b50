"""Keras's classes over the pure functions: the rate is looked up inside the step."""

from typing import Any, TypeAlias

import keras

from kerastpu.errors import UsageError
from kerastpu.schedules import arguments
from kerastpu.schedules.curves import Curve
from kerastpu.schedules.shapes import LearningRateFunction

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


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


@keras.saving.register_keras_serializable(package="kerastpu")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of a run by the name of its shape and a few numbers.

    In the compiled step it is a table of what the pure function returns, in float32. A
    saved optimizer holds name and numbers; it loads after `from kerastpu.schedules
    import Schedule`.

    Args:
        name: a key of `curves.OPTIONS` but custom, whose code no file should name.
        total_steps: steps of the run; later ones have the rate of this one.
        peak: highest rate.
        accumulate: batches to a step, where the optimizer accumulates gradients: Keras
            counts batches.
        **parameters: start, floor, warmup_steps, hold_steps, and the options of the
            shape; see `curves.Curve`.

    Raises:
        UsageError: see `curves.Curve`.
    """

    def __init__(
        self,
        name: str,
        total_steps: int,
        peak: float,
        *,
        accumulate: int = 1,
        **parameters: Any,
    ):
        if name == "custom":
            raise UsageError("name must not be custom; use tabulate(function, steps)")
        values = {"name": name, "total_steps": total_steps, "peak": peak}
        self.curve = Curve.from_dict(values | parameters)
        arguments.whole("accumulate", accumulate, 1)
        self.accumulate = accumulate
        rates = [self.curve(step) for step in range(total_steps + 1)]
        self._table = keras.ops.convert_to_tensor(rates, dtype="float32")

    def __call__(self, step):
        """Returns the learning rate, a float32 scalar, at integer `step`."""
        index = keras.ops.cast(step, "int32") // self.accumulate
        index = keras.ops.minimum(index, self.curve.total_steps)
        return keras.ops.take(self._table, index)

    def get_config(self):
        """Returns name and numbers."""
        return self.curve.to_dict() | {"accumulate": self.accumulate}


def tabulate(function: LearningRateFunction, total_steps: int) -> TableSchedule:
    """Turns a pure function of the step into the Keras class, for `total_steps`.

    Raises:
        UsageError: total_steps is no whole number of 1 or more.
    """
    arguments.whole("total_steps", total_steps, 1)
    return TableSchedule([function(step) for step in range(total_steps)])


def as_keras(curve: Curve, *, accumulate: int = 1) -> Rate:
    """Returns what a Keras optimizer takes as its learning rate.

    Args:
        curve: what `build` returns.
        accumulate: batches to a step; see `Schedule`.

    Returns:
        A `Schedule`; for custom a `TableSchedule`; for plateau the first rate, which
        `PlateauCallback` goes on from.

    Raises:
        UsageError: accumulate is no whole number of 1 or more.
    """
    arguments.whole("accumulate", accumulate, 1)
    if curve.name == "plateau":
        return float(curve(0))
    if curve.name == "custom":
        num_batches = (curve.total_steps + 1) * accumulate
        return tabulate(lambda step: curve(step // accumulate), num_batches)
    return Schedule(**curve.to_dict(), accumulate=accumulate)
