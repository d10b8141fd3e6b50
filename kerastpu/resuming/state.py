"""All numbers that the next step of a compiled model depends on, as NumPy arrays."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerastpu.errors import UsageError

State = dict[str, list[np.ndarray]]


def build_optimizer(model: keras.Model) -> None:
    """Makes the optimizer's state, as the first step would."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def build_metrics(model: keras.Model, labels: Any) -> None:
    """Makes the state of the metrics, as the first step would.

    Args:
        model: compiled, with probabilities as its output.
        labels: of any batch, (B,) or (B, classes).
    """
    num_classes = model.output_shape[-1]
    guess = np.full((len(labels), num_classes), 1 / num_classes, np.float32)
    model.compute_metrics(None, keras.ops.convert_to_tensor(labels), guess)
    model.reset_metrics()


def capture(model: keras.Model) -> State:
    """Returns copies of weights, states of random generators, optimizer and metrics."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()  # in an epoch, Keras keeps them elsewhere
    return {
        name: [_to_numpy(variable) for variable in variables]
        for name, variables in _variables(model).items()
    }


def restore(model: keras.Model, state: State, *, metrics: bool = True) -> None:
    """Gives `model` the numbers that `capture` returned.

    Args:
        model: built alike, its optimizer and metrics too.
        state: what `capture` returned.
        metrics: whether metrics go on, too: in the middle of an epoch.

    Raises:
        UsageError: the arrays are those of another network or optimizer.
    """
    variables = _variables(model)
    if not metrics:
        del variables["metrics"]
    for name, ours in variables.items():
        _check(name, ours, state[name])
    for name, ours in variables.items():
        for variable, array in zip(ours, state[name], strict=True):
            variable.assign(array)


def is_finite(state: State) -> bool:
    """Returns whether there is no NaN and no infinity in it."""
    return all(np.isfinite(array).all() for part in state.values() for array in part)


def _variables(model: keras.Model) -> dict[str, list[keras.Variable]]:
    return {
        "model": list(model.variables),
        "optimizer": list(model.optimizer.variables),
        "metrics": list(model.metrics_variables),
    }


def _to_numpy(variable: keras.Variable) -> np.ndarray:
    array = np.array(keras.ops.convert_to_numpy(variable))
    # NumPy itself knows no bfloat16; float32 holds each of its numbers.
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _check(
    name: str, ours: Sequence[keras.Variable], theirs: Sequence[np.ndarray]
) -> None:
    wanted, found = ([tuple(v.shape) for v in side] for side in (ours, theirs))
    if wanted != found:
        raise UsageError(
            f"the checkpoint is that of another network: its {name} has {len(found)} "
            f"arrays, here are {len(wanted)}, or their shapes differ; name another "
            "workdir"
        )
