"""What happens between the steps and the epochs of a `fit`."""

import math
import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from kerastpu import evaluation, features, schedules
from kerastpu.errors import KerastpuError
from kerastpu.progress import Update


class Validation(keras.callbacks.Callback):
    """Scores the validation split after each epoch, every example exactly once.

    Adds val_loss (nats), val_accuracy (0..1), learning_rate (of the epoch's last step)
    and seconds (since the start) to the logs that later callbacks read.
    """

    def __init__(
        self,
        model: keras.Model,
        batches: Iterable,
        num_examples: int,
        class_names: tuple[str, ...],
    ):
        super().__init__()
        self.network, self.batches = model, batches
        self.num_examples, self.class_names = num_examples, class_names
        self.learning_rate: schedules.LearningRateFunction = lambda step: math.nan
        self.start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the scores to `logs`, in place."""
        logs = {} if logs is None else logs
        probabilities, labels = features.extract(
            self.network, self.batches, num_examples=self.num_examples
        )
        scores = evaluation.evaluate(probabilities, labels, self.class_names)
        logs["val_loss"], logs["val_accuracy"] = scores.loss, scores.accuracy
        steps = keras.ops.convert_to_numpy(self.model.optimizer.iterations)
        logs["learning_rate"] = self.learning_rate(int(steps) - 1)
        logs["seconds"] = time.monotonic() - self.start


class StepProgress(keras.callbacks.Callback):
    """Reports optimizer steps done of those of the whole run."""

    def __init__(self, update: Update, total_steps: int):
        super().__init__()
        self.update, self.total_steps, self.done = update, total_steps, 0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts one step."""
        self.done += 1
        self.update(self.done, self.total_steps)


class StopOnNaN(keras.callbacks.Callback):
    """Ends training with advice when the loss is not a finite number."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks the epoch's mean loss.

        Raises:
            KerastpuError: it is NaN or infinite.
        """
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            raise KerastpuError(
                f"the loss is not finite after epoch {epoch + 1}; "
                "lower optimizer.learning_rate or lengthen schedule.warmup"
            )
