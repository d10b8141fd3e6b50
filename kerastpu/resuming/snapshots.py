"""When a run saves itself, and how it goes on from what was saved."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras

from kerastpu.resuming import state
from kerastpu.resuming.checkpoints import Checkpoints
from kerastpu.stopping import Stopped, Stopping

LOG = logging.getLogger("kerastpu")

_SHARE = 50  # training takes this many times as long as writing checkpoints: 2 %


class Remembering(Protocol):
    """A callback that goes on from where it was."""

    def remember(self) -> dict[str, Any]:
        """Returns what it knows; see `trees.save`."""

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Goes on from what `remember` returned."""


class Snapshots(keras.callbacks.Callback):
    """Saves a run between two steps: when it is time, and before it is stopped.

    The last one in the list of callbacks, so that the others have seen the epoch.

    Args:
        checkpoints: where.
        stopping: whether the process has been asked to stop.
        seconds: least time between two checkpoints; 0 = after every step. It becomes
            more where writing takes more than 2 % of the time.
        steps_per_epoch: batches in an epoch.
        identity: what a checkpoint must have been made with, by name.
        memories: callbacks that remember, by name.
        goes_on: asked after each epoch, which is then saved, whether the run goes on
            for now; None = it does, and is saved only when it is time.

    Attributes:
        step: batches done.
        num_scored: epochs done, their scores included.
        resumes: breaks in the chain of checkpoints that led here; a process that died
            before it wrote one leaves no trace.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        stopping: Stopping,
        *,
        seconds: float,
        steps_per_epoch: int,
        identity: Mapping[str, Any],
        memories: Mapping[str, Remembering],
        goes_on: Callable[[], bool] | None = None,
    ):
        super().__init__()
        self.checkpoints, self.stopping = checkpoints, stopping
        self.seconds, self.steps_per_epoch = seconds, steps_per_epoch
        self.identity, self.memories = dict(identity), memories
        self.goes_on = goes_on
        self.step = self.num_scored = self.resumes = 0
        self._latest: dict[str, Any] = {}
        self._saved = self._latest
        self._is_restored = True
        self._last, self._cost = time.monotonic(), 0.0

    def resume(self) -> bool:
        """Goes on from the newest checkpoint; returns whether there is one.

        The model gets its numbers when an epoch begins.

        Raises:
            UsageError: it was made with other data or another number of replicas, say.
            KerastpuError: it cannot be read.
        """
        self.checkpoints.check(self.identity)
        tree = self.checkpoints.newest()
        if tree is None:
            return False
        self.step, self.num_scored = tree["step"], tree["num_scored"]
        self.resumes = tree["resumes"] + 1
        for name, each in self.memories.items():
            each.recall(tree["memories"][name])
        self._latest = self._saved = tree
        self._is_restored = False
        return True

    def restore(self, metrics: bool = False) -> dict[str, float]:
        """Gives the model its latest numbers; returns the logs of its last step.

        Args:
            metrics: whether metrics go on, too.
        """
        state.restore(self.model, self._latest["state"], metrics=metrics)
        self._is_restored = True
        return self._latest["logs"]

    def restore_later(self) -> None:
        """Has the model get its latest numbers when the next epoch begins.

        What `fit` does to the weights when it ends is undone by that.
        """
        self._is_restored = False

    def save_latest(self) -> None:
        """Writes what was last taken note of, unless that is done."""
        tree, start = self._latest, time.monotonic()
        if tree is self._saved:
            return
        if state.is_finite(tree["state"]):  # else the run would go on from NaN
            self.checkpoints.write(tree["step"], tree)
        self._saved, self._last = tree, time.monotonic()
        self._cost = self._last - start

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Gives the model its numbers, after Keras has set its metrics to zero."""
        if not self._is_restored:
            is_broken = self.step > self.num_scored * self.steps_per_epoch
            self.restore(metrics=is_broken)
        self.stopping.is_deferred = True  # to the end of a step

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Saves when it is time to.

        Raises:
            Stopped: the process was asked to stop.
        """
        self.step += 1
        is_asked, is_due = self.stopping.is_asked, self._is_due()
        is_last = self.step % self.steps_per_epoch == 0
        if is_asked or is_due or is_last:
            self._latest = self._take(logs)
        if is_due:
            self.save_latest()
        if is_asked or is_last:
            self.stopping.stop_if_asked()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves when it is time to, scores included.

        Raises:
            Stopped: the run is not to go on for now.
        """
        self.num_scored += 1
        self._latest = self._take(None)
        if self.goes_on is not None:
            self.save_latest()
            self.pause_if_asked()
        elif self._is_due():
            self.save_latest()

    def pause_if_asked(self) -> None:
        """Ends the run for now if it is not to go on.

        Raises:
            Stopped: it is not.
        """
        if self.goes_on is not None and not self.goes_on():
            self.stopping.is_deferred = False
            raise Stopped

    def _is_due(self) -> bool:
        wait = max(self.seconds, _SHARE * self._cost) if self.seconds else 0.0
        return time.monotonic() - self._last >= wait

    def _take(self, logs: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            "identity": self.identity,
            "step": self.step,
            "num_scored": self.num_scored,
            "resumes": self.resumes,
            "state": state.capture(self.model),
            "logs": {name: float(value) for name, value in (logs or {}).items()},
            "memories": {name: m.remember() for name, m in self.memories.items()},
        }
