"""Small Keras networks, trained epoch by epoch: what the searches choose among."""

import keras
import numpy as np
from tuning_data import Data
from tuning_spaces import Values

EPOCHS = 27  # of a whole training; the cosine schedule falls to zero there


class Head:
    """A network under training, with one set of hyper-parameters.

    Args:
        values: Of `tuning_spaces`; what a space lacks is off.
        data: Inputs and labels.
        seed: Of weights, order, dropout and noise.
    """

    def __init__(self, values: Values, data: Data, seed: int):
        keras.utils.set_random_seed(seed)
        self._data, self._epoch = data, 0
        self._batch_size = values["batch_size"]
        self._targets = keras.utils.to_categorical(data.train.labels, data.num_classes)
        self.model = _build(values, data)
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=values.get("label_smoothing", 0.0)
        )
        steps = -(-len(self._targets) // self._batch_size)
        self.model.compile(
            _optimizer(values, steps * EPOCHS),
            loss,
            steps_per_execution=steps,
            jit_compile=False,  # XLA takes longer than all epochs
        )

    def train(self, epochs: int = 1) -> np.ndarray:
        """Trains on from where it was.

        Returns:
            int (epochs, 2): after each epoch, how many validation and how many other
            examples are told wrong; all of them once a weight is no number any more.
        """
        counts: list[tuple[int, int]] = []
        count = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: counts.append(self._wrong())
        )
        self.model.fit(
            self._data.train.inputs,
            self._targets,
            batch_size=self._batch_size,
            initial_epoch=self._epoch,
            epochs=self._epoch + epochs,
            callbacks=[count],
            verbose=0,
        )
        self._epoch += epochs
        return np.array(counts)

    def _wrong(self) -> tuple[int, int]:
        """Counts the examples of both parts that are told wrong."""
        wrong = []
        for part in (self._data.validation, self._data.others):
            logits = self.model(part.inputs).numpy()
            is_finite = np.isfinite(logits).all(axis=1)
            guesses = np.where(is_finite, logits.argmax(axis=1), -1)
            wrong.append(int((guesses != part.labels).sum()))
        return wrong[0], wrong[1]


def _build(values: Values, data: Data) -> keras.Model:
    penalty = keras.regularizers.L1L2(values.get("l1", 0.0), values["l2"])
    model = keras.Sequential([keras.Input(data.train.inputs.shape[1:])])
    if values.get("noise"):
        model.add(keras.layers.GaussianNoise(values["noise"]))
    for _ in range(values.get("layers", 1) if values["units"] else 0):
        model.add(
            keras.layers.Dense(
                values["units"], activation="relu", kernel_regularizer=penalty
            )
        )
        model.add(keras.layers.Dropout(values["dropout"]))
    if not values["units"]:
        model.add(keras.layers.Dropout(values["dropout"]))
    model.add(keras.layers.Dense(data.num_classes, kernel_regularizer=penalty))
    return model


def _optimizer(values: Values, num_steps: int) -> keras.optimizers.Optimizer:
    rate = values["learning_rate"]
    if values["cosine"]:
        rate = keras.optimizers.schedules.CosineDecay(rate, num_steps)
    if values.get("optimizer", "adam") == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=0.9)
