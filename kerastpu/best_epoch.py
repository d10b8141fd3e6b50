"""The weights of the best epoch, and the end of a run that gets no better."""

import logging
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerastpu.averaging import averaged

LOG = logging.getLogger("kerastpu")


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest val_loss, and ends the training.

    With an optimizer that averages weights, it is the average that is kept. Unlike
    `keras.callbacks.EarlyStopping` it can be put into a checkpoint.

    Args:
        patience: epochs without a lower val_loss before training ends; 0 = never.

    Attributes:
        weights: of the best epoch, as `model.get_weights()` has them; None before the
            first epoch with a val_loss that is a number.
        epoch: the best one, from 0.
    """

    def __init__(self, patience: int):
        super().__init__()
        self.patience = patience
        self.weights: list[np.ndarray] | None = None
        self.epoch, self._lowest, self._waited = 0, math.inf, 0

    @property
    def is_over(self) -> bool:
        """Whether the patience has run out."""
        return 0 < self.patience <= self._waited

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compares the epoch's val_loss with the lowest one so far."""
        loss = float((logs or {})["val_loss"])
        self._waited += 1
        if loss < self._lowest:
            self.epoch, self._lowest, self._waited = epoch, loss, 0
            with averaged(self.model):
                self.weights = [np.array(each) for each in self.model.get_weights()]
        if self.is_over:
            LOG.info(
                "no lower validation loss in %d epochs: training ends", self._waited
            )
            self.model.stop_training = True

    def remember(self) -> dict[str, Any]:
        """Returns what it knows, for a checkpoint."""
        return {
            "epoch": self.epoch,
            "lowest": self._lowest,
            "waited": self._waited,
            "weights": self.weights,
        }

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned."""
        self.epoch, self._lowest = memory["epoch"], memory["lowest"]
        self._waited, self.weights = memory["waited"], memory["weights"]
