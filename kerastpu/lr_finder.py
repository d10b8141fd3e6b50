"""Range test: which learning rates make the loss fall, found in a few steps.

Smith, 2015 (https://arxiv.org/abs/1506.01186, section 3.3), with a rate that grows by
the same factor at each step, so that every power of ten has its share of them.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from kerastpu import lr_batches
from kerastpu.config.values import in_range
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.lr_range import RangeTest, check_range
from kerastpu.progress import Update


def find(
    model: keras.Model,
    batches: Iterable,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    num_steps: int = 100,
    smoothing: float = 0.9,
    divergence: float = 4.0,
    update: Update | None = None,
) -> RangeTest:
    """Trains with a rising learning rate, then puts everything back as it was.

    Weights, BatchNorm statistics, seeds, the optimizer's state and its learning rate or
    schedule are afterwards what they were before. Under a tf.distribute strategy, and
    with keras.distribution, call it inside the scope that the model was made in.

    Args:
        model: compiled; with a number or with a schedule as its learning rate.
        batches: of (inputs, labels), or with weights, as `fit` takes them: a
            tf.data.Dataset, a PyDataset, or anything that can be iterated. What ends
            before the test does is begun again.
        low: first rate, above 0.
        high: last rate.
        num_steps: steps from `low` to `high`, at least 10.
        smoothing: share of the old mean in the moving mean of the loss, 0..0.999; the
            mean is corrected for its start at 0, as Adam's are.
        divergence: above 1; the test ends once the smoothed loss is that many times
            the lowest one, or is no number.
        update: told (steps done, num_steps).

    Returns:
        Rates, losses and what they suggest.

    Raises:
        UsageError: an argument that is not allowed.
        KerastpuError: the loss was no number from the start, or there are no batches.
    """
    check_range(low, high, num_steps)
    _check(model, smoothing, divergence)
    data, first = lr_batches.endless(batches)
    if not model.built:
        model(first[0])
    sweep = _Sweep(low, high, num_steps, smoothing, divergence, update)
    with _kept(model), _ready(model, sweep):
        model.fit(
            data,
            steps_per_epoch=num_steps,
            shuffle=False,
            verbose=0,
            callbacks=[sweep],
        )
    return sweep.result()


class _Sweep(keras.callbacks.Callback):
    """Sets the rate of each batch, notes its loss, ends where it has grown too far."""

    def __init__(
        self,
        low: float,
        high: float,
        num_steps: int,
        smoothing: float,
        divergence: float,
        update: Update | None,
    ):
        super().__init__()
        self.low, self.high, self.num_steps = low, high, num_steps
        self.smoothing, self.divergence, self.update = smoothing, divergence, update
        self.is_set_here = True  # else by a `_Rise` inside the compiled step
        self.rates: list[float] = []
        self.raw_losses: list[float] = []
        self.losses: list[float] = []
        self.is_diverged, self._mean = False, 0.0

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Sets and notes the rate; Keras's loss is a mean since the last reset."""
        model = self.model
        if self.is_set_here:
            share = batch / (self.num_steps - 1)
            model.optimizer.learning_rate = self.low ** (1 - share) * self.high**share
        rate = model.optimizer.learning_rate
        self.rates.append(float(keras.ops.convert_to_numpy(rate)))
        model.reset_metrics()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Notes the loss."""
        loss = float((logs or {})["loss"])
        self.is_diverged = not math.isfinite(loss) or self._is_far(loss)
        if self.is_diverged:
            self.model.stop_training = True
        if self.update:
            self.update(batch + 1, self.num_steps)

    def _is_far(self, loss: float) -> bool:
        """Notes a loss; whether the smoothed one has grown too far."""
        self._mean = self.smoothing * self._mean + (1 - self.smoothing) * loss
        smooth = self._mean / (1 - self.smoothing ** (len(self.losses) + 1))
        self.raw_losses.append(loss)
        self.losses.append(smooth)
        lowest = min(self.losses)
        return smooth > lowest + (self.divergence - 1) * abs(lowest)

    def result(self) -> RangeTest:
        """Returns what was seen.

        Raises:
            KerastpuError: no loss was a number.
        """
        if not self.losses:
            raise KerastpuError(
                f"the loss is not finite at the first learning rate, {self.low:g}; "
                "look at the data, the loss and the weights that the model starts with"
            )
        return RangeTest(
            rates=tuple(self.rates[: len(self.losses)]),
            losses=tuple(self.losses),
            raw_losses=tuple(self.raw_losses),
            is_diverged=self.is_diverged,
        )


class _Rise(keras.optimizers.schedules.LearningRateSchedule):
    """The sweep inside the compiled step, for an optimizer that has a schedule."""

    def __init__(self, sweep: _Sweep, first: int):
        self.sweep, self.first = sweep, first

    def __call__(self, step):
        """Returns the rate of the optimizer's `step`."""
        sweep = self.sweep
        share = keras.ops.cast(step - self.first, "float32") / (sweep.num_steps - 1)
        return sweep.low ** (1 - share) * sweep.high**share


@contextlib.contextmanager
def _ready(model: keras.Model, sweep: _Sweep) -> Iterator[None]:
    """Lets the sweep set the rate of single steps; then all is compiled as before."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    rate, per_execution = optimizer._learning_rate, model.steps_per_execution
    sweep.is_set_here = isinstance(rate, keras.Variable)
    if sweep.is_set_here and per_execution == 1:
        yield
        return
    if not sweep.is_set_here:
        first = int(keras.ops.convert_to_numpy(optimizer._iterations))
        optimizer.learning_rate = _Rise(sweep, first)
    model.steps_per_execution = 1
    model.make_train_function(force=True)
    try:
        yield
    finally:
        model.steps_per_execution = per_execution
        if not sweep.is_set_here:
            optimizer.learning_rate = rate
        model.make_train_function(force=True)


@contextlib.contextmanager
def _kept(model: keras.Model) -> Iterator[None]:
    """Keeps everything that training changes, and puts it back."""
    if not model.optimizer.built:
        strategy = getattr(model, "distribute_strategy", None)
        with strategy.scope() if strategy else contextlib.nullcontext():
            model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    # Copies: JAX would hand out its own memory, and use it again in the next step.
    values = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
    try:
        # A weight and its moving average may share memory, which JAX gives away once.
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        model.reset_metrics()
        model.stop_training = False


def _check(model: keras.Model, smoothing: float, divergence: float) -> None:
    if not getattr(model, "compiled", False):
        raise UsageError("model must be compiled: its loss and optimizer are tested")
    in_range("smoothing", smoothing, 0.0, 0.999)
    if not divergence > 1:
        raise UsageError(f"divergence must be above 1; got {divergence!r}")
