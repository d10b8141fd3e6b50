"""A small model, its data and a search over it; as a script, the chief or a worker.

Args of the script: folder, and for a worker that is to die the number of epochs after
which it kills itself, else 0. The place in the team is in KERASTUNER_* variables.
"""

import json
import os
import signal
import sys
from pathlib import Path


def data():
    """Returns float32 (48, 4) and labels (48,) of three clouds."""
    import numpy as np

    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 16)
    centers = 2 * random.normal(size=(3, 4))
    return (centers[labels] + random.normal(size=(48, 4))).astype("float32"), labels


def build(hp):
    """Builds a compiled model; momentum counts with sgd only."""
    import keras

    keras.utils.set_random_seed(1)
    name = hp.Choice("optimizer", ["adam", "sgd"])
    rate = hp.Float("rate", 1e-4, 1.0, sampling="log")
    optimizer = keras.optimizers.Adam(rate)
    with hp.conditional_scope("optimizer", ["sgd"]):
        if name == "sgd":
            momentum = hp.Float("momentum", 0.0, 0.9)
            optimizer = keras.optimizers.SGD(rate, momentum=momentum)
    layers = [keras.layers.Dense(hp.Int("units", 2, 9), activation="tanh")]
    if hp.Boolean("dropout"):
        layers.append(keras.layers.Dropout(0.2, seed=3))
    layers.append(keras.layers.Dense(3, activation="softmax"))
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make(folder, seed=0, build=build, **options):
    """Returns a tuner: 6 sets, 1 epoch, then 3 for two of them; 2 new ones."""
    from kerastpu.tuning.kerastuner import LHSHalving

    options = {
        "max_epochs": 1,
        "tune_iterations": 2,
        "num_trials": 6,
        "refills": 1,
    } | options
    return LHSHalving(
        build, "val_loss", seed=seed, directory=folder, project_name="p", **options
    )


def search(tuner, *callbacks):
    """Searches; the order of the batches is always the same."""
    inputs, labels = data()
    tuner.search(
        inputs,
        labels,
        batch_size=8,
        shuffle=False,
        validation_data=(inputs, labels),
        callbacks=list(callbacks),
        verbose=0,
    )


def main():
    import keras

    folder, epochs = sys.argv[1], int(sys.argv[2])

    class Dying(keras.callbacks.Callback):
        done = 0

        def on_epoch_end(self, epoch, logs=None):
            Dying.done += 1
            if Dying.done == epochs:
                os.kill(os.getpid(), signal.SIGKILL)

    tuner = make(folder, lease_seconds=30.0)
    search(tuner, Dying())
    if os.environ.get("KERASTUNER_TUNER_ID") == "chief":
        trials = tuner.oracle.search.trials
        text = json.dumps([[trial.state, trial.epochs] for trial in trials])
        (Path(folder) / "trials.json").write_text(text)


if __name__ == "__main__":
    main()
