"""Event files for TensorBoard: the columns of metrics.csv as curves."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from kerastpu import optional
from kerastpu.callbacks import History

PACKAGE = "tensorboard"


class EventFiles(keras.callbacks.Callback):
    """Shows each epoch to TensorBoard, by the writer of its own package.

    A run that is taken up writes all of its epochs anew, so that none is there twice.

    Args:
        folder: what `tensorboard --logdir` is given; replaced.
        history: has the rows; before this callback in the list.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, history: History):
        super().__init__()
        optional.require(PACKAGE)
        self.folder, self.history = folder, history
        self._writer: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the newest row, or all of them where a `fit` has begun."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        rows = self.history.rows[-1:]
        if self._writer is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._writer = EventFileWriter(str(self.folder))
            rows = self.history.rows
        for row in rows:
            self._write(row)
        self._writer.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Ends the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, row: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in row.items()
            if name != "epoch"
        ]
        step = int(row["epoch"]) + 1
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        self._writer.add_event(event)
