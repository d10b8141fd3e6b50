"""One training as two calls of `fit`: an epoch that was broken off, and the rest."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerastpu.resuming.snapshots import Snapshots
from kerastpu.stopping import Stopped


def run(
    model: keras.Model,
    make_batches: Callable[[int], Any],
    callbacks: Sequence[keras.callbacks.Callback],
    snapshots: Snapshots,
    *,
    epochs: int,
    is_over: Callable[[], bool],
) -> None:
    """Trains `model` from where `snapshots` is to the end, as one `fit` would.

    Args:
        model: compiled; where a checkpoint is gone on from, built, too.
        make_batches: returns the batches from a step on.
        callbacks: what sees each epoch, `snapshots` itself left out.
        snapshots: where the run is; saves it.
        epochs: of the whole run.
        is_over: whether training has ended before its last epoch.

    Raises:
        Stopped: the process was asked to stop; what is done has been saved.
    """
    steps = snapshots.steps_per_epoch
    snapshots.set_model(model)
    every = [*callbacks, snapshots]

    def fit(first: int, end: int, num_steps: int) -> None:
        model.fit(
            make_batches(snapshots.step),
            initial_epoch=first,
            epochs=end,
            steps_per_epoch=num_steps,
            shuffle=False,  # the batches come shuffled
            verbose=0,
            callbacks=every,
        )
        snapshots.restore_later()

    try:
        epoch = snapshots.num_scored
        done = snapshots.step - epoch * steps
        if done == steps:  # nothing is left of the epoch but its scores
            logs = snapshots.restore()
            keras.callbacks.CallbackList(every, model=model).on_epoch_end(epoch, logs)
        elif done:
            fit(epoch, epoch + 1, steps - done)
        epoch = snapshots.num_scored
        if epoch < epochs and not is_over():
            fit(epoch, epochs, steps)
        else:
            snapshots.restore()
        snapshots.save_latest()  # the test images are still to be scored
    except Stopped:
        snapshots.save_latest()
        raise
