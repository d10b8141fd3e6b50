"""What is searched: KerasTuner spaces, and their unit cubes."""

import keras_tuner
import numpy as np

Values = dict[str, float | int | str | bool]


def flowers() -> keras_tuner.HyperParameters:
    """A head on features of photos: none or one hidden layer, Adam."""
    space = keras_tuner.HyperParameters()
    space.Float("learning_rate", 1e-5, 1e-1, sampling="log")
    space.Float("l1", 1e-7, 1e-3, sampling="log")
    space.Float("l2", 1e-6, 1e-1, sampling="log")
    space.Float("dropout", 0.0, 0.8)
    space.Float("noise", 0.0, 1.0)
    space.Float("label_smoothing", 0.0, 0.3)
    space.Choice("units", [0, 64, 256])
    space.Choice("batch_size", [32, 64, 128, 256])
    space.Boolean("cosine")
    return space


def mnist() -> keras_tuner.HyperParameters:
    """Dense layers on pixels, Adam or SGD with momentum."""
    space = keras_tuner.HyperParameters()
    space.Float("learning_rate", 1e-4, 3e-1, sampling="log")
    space.Float("l2", 1e-7, 1e-2, sampling="log")
    space.Float("dropout", 0.0, 0.7)
    space.Int("layers", 1, 3)
    space.Choice("units", [32, 64, 128, 256])
    space.Choice("batch_size", [32, 64, 128, 256])
    space.Choice("optimizer", ["adam", "sgd"])
    space.Boolean("cosine")
    return space


SPACES = {"flowers": flowers, "mnist": mnist}


def from_unit(space: keras_tuner.HyperParameters, point: np.ndarray) -> Values:
    """Returns the values at a point (D,) of the unit cube, each in [0, 1)."""
    return {
        one.name: one.prob_to_value(float(unit))
        for one, unit in zip(space.space, point, strict=True)
    }


def to_unit(space: keras_tuner.HyperParameters, values: Values) -> np.ndarray:
    """Returns the point float (D,) of values; a choice is the middle of its share."""
    return np.array([one.value_to_prob(values[one.name]) for one in space.space])
