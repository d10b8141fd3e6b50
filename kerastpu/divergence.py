"""Ends a training that no longer learns: a loss that is no number, or that explodes."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerastpu.errors import KerastpuError

# Reading the loss waits for the step, so not each one is looked at. Keras's loss is
# the mean of the epoch so far, in which a NaN stays.
_STEPS_BETWEEN = 20
# The mean training loss of a whole epoch over that of the first one, and above that of
# guessing. Noise, the end of a warm-up or a spike of some steps stay below. The factor
# is that at which a range test of the learning rate ends; 10 could hardly be reached,
# as Keras cuts cross-entropy off at 16 nats.
EXPLOSION = 4.0


class DivergenceGuard(keras.callbacks.Callback):
    """Raises with advice when the loss is not finite or has exploded."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0
        self._first: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes which epoch it is."""
        self._epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Looks at the epoch's mean loss every few steps.

        Raises:
            KerastpuError: it is NaN or infinite.
        """
        if (batch + 1) % _STEPS_BETWEEN == 0:
            self._check(float((logs or {}).get("loss", 0.0)))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the mean loss of a whole epoch.

        Raises:
            KerastpuError: it is NaN or infinite, or far above that of the first epoch.
        """
        self._epoch = epoch
        loss = float((logs or {}).get("loss", 0.0))
        self._check(loss)
        if self._first is None:
            self._first = loss
        guessing = math.log(self.model.output_shape[-1])
        if loss > max(EXPLOSION * self._first, guessing):
            raise self._error(
                f"the loss of epoch {epoch + 1} is {loss:.4g}, that of the first one "
                f"was {self._first:.4g}: training diverges"
            )

    def remember(self) -> dict[str, Any]:
        """Returns what it knows, for a checkpoint."""
        return {"first": self._first}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned."""
        self._first = memory["first"]

    def _check(self, loss: float) -> None:
        if not np.isfinite(loss):
            raise self._error(f"the loss is not finite in epoch {self._epoch + 1}")

    def _error(self, what: str) -> KerastpuError:
        return KerastpuError(
            f"{what}; lower optimizer.learning_rate or lengthen schedule.warmup, and "
            "name another workdir: with the same settings it would end here again"
        )
