"""The moving average of the weights in the place of the weights, for a while."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np


@contextlib.contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Lets `model` have the averages that its optimizer keeps, inside of the block.

    Afterwards every bit of its weights is as before; Keras's own `SwapEMAWeights` adds
    and subtracts on TensorFlow, which rounds. Nothing happens where the optimizer keeps
    no averages.

    Args:
        model: compiled, its optimizer built; not inside of a compiled step.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema:
        yield
        return
    weights = model.trainable_variables
    before = [_copy(weight) for weight in weights]
    # Copies: on JAX, two variables that share a buffer cannot go into a step.
    averages = [_copy(mean) for mean in optimizer._model_variables_moving_average]
    try:
        _assign(weights, averages)
        yield
    finally:
        _assign(weights, before)


def _copy(variable: keras.Variable) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable))


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
