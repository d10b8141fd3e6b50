"""L1 and L2 penalties on kernels, for as long as a model trains.

A penalty that is set on a layer when it is built travels with the saved model; these
hang on the variables, so that the model's file stays what its builder made it.
"""

import contextlib
from collections.abc import Iterator

import keras

from kerastpu.errors import UsageError


def penalized(model: keras.Model) -> list[keras.Variable]:
    """Returns the weights that a penalty is put on: kernels that train.

    Kernels are the weights with at least two axes. Vectors are left alone: biases, and
    the scales and shifts of normalizations, do not make a function wiggle.
    """
    return [weight for weight in model.trainable_weights if len(weight.shape) > 1]


@contextlib.contextmanager
def penalties(
    model: keras.Model, *, l1: float = 0.0, l2: float = 0.0
) -> Iterator[None]:
    """Adds l1 * sum |w| + l2 * sum w^2 to the model's loss inside of the block.

    Keras adds it to the loss that `fit` reports and follows.

    Args:
        model: its kernels that train, see `penalized`; afterwards it is as before.
        l1: factor on the sum of absolute weights, 0 or more.
        l2: factor on the sum of squared weights, 0 or more.

    Raises:
        UsageError: a kernel has a regularizer of its own.
    """
    weights = penalized(model) if l1 or l2 else []
    for weight in weights:
        if weight.regularizer is not None:
            raise UsageError(
                f"l1 and l2 cannot be set: {weight.path} has a regularizer of its own, "
                f"{type(weight.regularizer).__name__}"
            )
    try:
        for weight in weights:
            weight.regularizer = keras.regularizers.L1L2(l1, l2)
        _forget_steps(model, weights)
        yield
    finally:
        for weight in weights:
            weight.regularizer = None
        _forget_steps(model, weights)


def _forget_steps(model: keras.Model, weights: list[keras.Variable]) -> None:
    """Has Keras compile its steps anew: a step keeps the penalties of its time."""
    if weights:
        model.train_function = model.test_function = None
