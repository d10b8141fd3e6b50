"""Learning rates set from outside of the compiled step, by Keras callbacks."""

from collections.abc import Mapping
from typing import Any, Literal

import keras

from kerastpu.errors import UsageError
from kerastpu.schedules import arguments, custom, plateaus
from kerastpu.schedules.curves import Curve
from kerastpu.schedules.shapes import LearningRateFunction


class RateCallback(keras.callbacks.Callback):
    """Sets the optimizer's learning rate before each batch or each epoch.

    It counts on from the batches that the optimizer has seen, as Keras's schedules do,
    so that a run that is taken up goes on. With `steps_per_execution` above 1 the rate
    of a batch is that of the first one in its execution. Adds learning_rate to the logs
    of an epoch: that of its last batch.

    Args:
        function: learning rate by step or epoch, both counting from 0.
        by: what it is a function of.
        verbose: whether to print the rate that each epoch starts with.
        accumulate: batches to a step, where the optimizer accumulates gradients.
    """

    def __init__(
        self,
        function: LearningRateFunction,
        by: Literal["step", "epoch"] = "step",
        verbose: bool = False,
        accumulate: int = 1,
    ):
        super().__init__()
        if by not in ("step", "epoch"):
            raise UsageError(f"by must be step or epoch; got {by!r}")
        arguments.whole("accumulate", accumulate, 1)
        self.function, self.by, self.verbose = function, by, verbose
        self.accumulate = accumulate
        self.rate: float | None = None
        self._epoch = self._before = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes which epoch it is."""
        self._epoch = epoch

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Sets the rate of a batch, by epoch that of its first one."""
        if batch == 0:  # by now, what other callbacks restore is in place
            self._before, self.rate = self._num_batches(), None
        if self.by == "step":
            self._set(self.function((self._before + batch) // self.accumulate))
        elif batch == 0:
            self._set(self.function(self._epoch))
        if self.verbose and batch == 0:
            print(f"epoch {self._epoch + 1}: learning rate {self.rate:.6g}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the rate to `logs`, in place."""
        if logs is not None:
            logs["learning_rate"] = self.rate

    def _num_batches(self) -> int:
        """Returns the batches that the optimizer has seen."""
        optimizer = self.model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        # Keras's own `iterations` counts what it accumulates as one.
        return int(keras.ops.convert_to_numpy(inner._iterations))

    def _set(self, rate: float) -> None:
        if rate == self.rate:
            return  # on JAX, looking at the model in an epoch copies its state
        try:
            self.model.optimizer.learning_rate = rate
        except TypeError:
            raise UsageError(
                "the learning rate cannot be set: compile the model with a number as "
                "its optimizer's learning_rate, not with a schedule"
            ) from None
        self.rate = rate


def callback(
    function: LearningRateFunction,
    by: Literal["step", "epoch"] = "step",
    verbose: bool = False,
) -> RateCallback:
    """Returns a callback for a model that is compiled with a number as its rate.

    Args: see `RateCallback`.
    """
    return RateCallback(function, by, verbose)


class PlateauCallback(RateCallback):
    """Rises to the peak, then lowers the rate where a metric stops falling.

    Epochs that end in the rise or the hold do not count. Called with a step, it returns
    the rate of that step, of one to come as things stand.

    Args:
        curve: a plateau: `Curve("plateau", total_steps, peak, options={"decay": 0.5,
            "patience": 3})`, or what `build` returns.
        monitor: metric that should fall, from the logs of an epoch; what adds it must
            come before this callback in the list.
        verbose: whether to print the rate that each epoch starts with.
        accumulate: batches to a step, where the optimizer accumulates gradients.
    """

    def __init__(
        self,
        curve: Curve,
        monitor: str = "val_loss",
        verbose: bool = False,
        accumulate: int = 1,
    ):
        super().__init__(self, "step", verbose, accumulate)
        if curve.name != "plateau":
            raise UsageError(f"curve must be a plateau; got {curve.name!r}")
        self.curve, self.monitor = curve, monitor
        self.history: list[float] = []
        self.drops = [(0, curve.peak)]  # step and the rate from it on

    def __call__(self, step: float) -> float:
        """Returns the learning rate of `step`, which counts from 0."""
        if step < self.curve.warmup_steps:
            return self.curve(step)
        return custom.piecewise(step, points=self.drops)

    def remember(self) -> dict[str, Any]:
        """Returns what has happened so far, for a checkpoint; JSON-able."""
        return {
            "rate": self.rate,
            "history": list(self.history),
            "drops": list(self.drops),
        }

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned."""
        self.rate, self.history = memory["rate"], list(memory["history"])
        self.drops = [(step, rate) for step, rate in memory["drops"]]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the rate to `logs`, and lowers it where the metric stands still.

        Raises:
            UsageError: the logs do not hold the metric.
        """
        super().on_epoch_end(epoch, logs)
        logs, curve = logs or {}, self.curve
        if self.monitor not in logs:
            raise UsageError(
                f"monitor must be one of {', '.join(logs)}, which this epoch has; "
                f"got {self.monitor!r}"
            )
        step = self._num_batches() // self.accumulate
        if step <= curve.warmup_steps + curve.hold_steps:
            return
        self.history.append(float(logs[self.monitor]))
        rate = plateaus.plateau(
            self.history, peak=curve.peak, floor=curve.floor, **curve.options
        )
        if rate != self.drops[-1][1]:
            self.drops.append((step, rate))
