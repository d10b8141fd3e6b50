"""What happens between the steps and the epochs of a `fit`."""

import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from kerastpu import evaluation, features, metrics_file, schedules
from kerastpu.averaging import averaged
from kerastpu.progress import Update


class Validation(keras.callbacks.Callback):
    """Scores the validation split after each epoch, every example exactly once.

    Adds val_loss (nats), val_accuracy (0..1), learning_rate (of the epoch's last step)
    and seconds (since the start, in earlier processes too) to the logs that later
    callbacks read. With an optimizer that averages weights, the average is scored.
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
        with averaged(self.model):
            probabilities, labels = features.extract(
                self.network, self.batches, num_examples=self.num_examples
            )
        scores = evaluation.evaluate(probabilities, labels, self.class_names)
        logs["val_loss"], logs["val_accuracy"] = scores.loss, scores.accuracy
        steps = keras.ops.convert_to_numpy(self.model.optimizer.iterations)
        logs["learning_rate"] = self.learning_rate(int(steps) - 1)
        logs["seconds"] = self.seconds

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def remember(self) -> dict[str, Any]:
        """Returns the time that has gone by, for a checkpoint."""
        return {"seconds": self.seconds}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned."""
        self.start = time.monotonic() - memory["seconds"]


class StepProgress(keras.callbacks.Callback):
    """Reports images done of those of the whole run, and how fast an epoch was.

    Adds images_per_second to the logs of an epoch: of its steps without the first one,
    in which Keras compiles, and without validation.

    Args:
        update: told of every step, in images.
        total_steps: steps in the whole run.
        batch_size: images in a step.
    """

    def __init__(self, update: Update, total_steps: int, batch_size: int):
        super().__init__()
        self.update, self.total_steps = update, total_steps
        self.batch_size, self.done = batch_size, 0
        self._start, self._timed = time.monotonic(), 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._start, self._timed = time.monotonic(), 0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts one step."""
        self.done += 1
        self.update(self.done * self.batch_size, self.total_steps * self.batch_size)
        if batch == 0 and self.params["steps"] > 1:
            self._start = time.monotonic()
        else:
            self._timed += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the speed to `logs`, in place."""
        if logs is not None:
            seconds = time.monotonic() - self._start
            speed = self._timed * self.batch_size / seconds
            logs["images_per_second"] = speed if self._timed else math.nan

    def remember(self) -> dict[str, Any]:
        """Returns how far it is, for a checkpoint."""
        return {"done": self.done}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned."""
        self.done = memory["done"]


class History(keras.callbacks.Callback):
    """Keeps the logs of each epoch, and writes all of them to a CSV file each time.

    Args:
        path: of the file.

    Attributes:
        rows: column -> number, for each epoch done.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds a row.

        Raises:
            OSError: the file cannot be written.
        """
        values = {name: float(value) for name, value in sorted((logs or {}).items())}
        self.rows.append({"epoch": epoch, **values})
        metrics_file.write(self.path, self.rows)

    def remember(self) -> dict[str, Any]:
        """Returns the rows, for a checkpoint."""
        return {"rows": list(self.rows)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned; what came later is forgotten."""
        self.rows = list(memory["rows"])
