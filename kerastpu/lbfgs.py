"""L-BFGS: fits a small model to all of its examples at once, with curvature.

Each iteration looks at the whole set, so that the gradient has no noise, and learns
from past gradients how the loss bends (Liu & Nocedal, 1989, On the limited memory BFGS
method). It has no learning rate to choose, and on a convex problem, such as softmax
regression on features, it reaches the optimum that stochastic steps only come near.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from scipy import optimize

from kerastpu import full_batch, regularization
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.progress import Update

# At a vector of all weights: the loss, and its gradient.
Evaluation = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class LBFGSResult:
    """How a fit went."""

    losses: tuple[float, ...]
    """Loss with penalties at the start, then after each iteration; it never rises."""
    num_iterations: int
    num_passes: int
    """Passes over all examples, forward and backward; a few more than iterations."""
    is_converged: bool
    """Whether the loss stopped falling, or its gradient vanished."""
    message: str
    """Why it ended, in SciPy's words."""


def fit(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    loss: Any = None,
    max_iterations: int = 100,
    l2: float = 0.0,
    tolerance: float = 1e-8,
    history_size: int = 10,
    update: Update | None = None,
) -> LBFGSResult:
    """Fits the weights that train by L-BFGS, in place.

    The function that is minimized must be one and the same at each pass: the model runs
    in inference mode, without dropout, and BatchNorm uses its stored statistics, which
    stay as they are, while its scale and shift are fitted. All examples go through the
    model at once, so that they and its feature maps must fit into memory. Weights are
    kept in float32, the search itself is in float64.

    Args:
        model: built; its other weights, and those of layers that do not train, stay.
        x: all examples, (N, ...).
        y: their labels, (N, ...), as the loss takes them.
        loss: what `compile` takes; None = the one that the model was compiled with.
            Its mean over the examples is minimized.
        max_iterations: at least 1.
        l2: factor on the sum of squared kernel weights, 0 or more; what the layers'
            own regularizers say is added in any case.
        tolerance: ends when an iteration lowers the loss by a smaller share of it.
        history_size: past gradients that curvature is learned from, at least 1.
        update: told (iterations done, max_iterations).

    Raises:
        UsageError: no loss, nothing to train, or an argument out of range.
        KerastpuError: the loss is not a finite number at the start.
    """
    _check(model, x, y, max_iterations, l2, history_size)
    function = _resolve_loss(model, loss)
    weights = model.trainable_weights
    start = _flatten(weights)
    options = {
        "maxiter": max_iterations,
        "maxfun": 20 * max_iterations,
        "maxcor": history_size,
        "ftol": tolerance,
        "gtol": 0.0,
    }
    with regularization.penalties(model, l2=l2):
        evaluate = _evaluation(
            full_batch.compile_objective(model, function, x, y), weights
        )
        first = evaluate(start)[0]
        if not np.isfinite(first):
            raise KerastpuError(
                f"the loss is {first} at the start; check x and y for numbers that "
                "are not finite, and x for its scale"
            )
        found, losses = _minimize(evaluate, start, options, update)
    for weight, value in zip(weights, _unflatten(found.x, weights), strict=True):
        weight.assign(value)
    return LBFGSResult(
        losses=(first, *losses),
        num_iterations=int(found.nit),
        num_passes=int(found.nfev) + 1,
        is_converged=bool(found.success),
        message=str(found.message),
    )


def _minimize(
    evaluate: Evaluation,
    start: np.ndarray,
    options: dict[str, Any],
    update: Update | None,
) -> tuple[optimize.OptimizeResult, list[float]]:
    """Returns SciPy's result, and the loss after each iteration."""
    losses: list[float] = []

    def report(intermediate_result: optimize.OptimizeResult) -> None:
        losses.append(float(intermediate_result.fun))
        if update:
            update(len(losses), options["maxiter"])

    found = optimize.minimize(
        evaluate, start, jac=True, method="L-BFGS-B", callback=report, options=options
    )
    return found, losses


def _check(
    model: keras.Model,
    x: Any,
    y: Any,
    max_iterations: int,
    l2: float,
    history_size: int,
) -> None:
    for name, value in (
        ("max_iterations", max_iterations),
        ("history_size", history_size),
    ):
        if type(value) is not int or value < 1:
            raise UsageError(
                f"{name} must be a whole number of at least 1; got {value!r}"
            )
    if not 0 <= l2 < np.inf:
        raise UsageError(f"l2 must be 0 or more; got {l2!r}")
    if len(x) != len(y) or not len(x):
        raise UsageError(
            f"x and y must be as many, and some; got {len(x)} and {len(y)}"
        )
    if not model.built or not model.trainable_weights:
        raise UsageError(f"{model.name} has no weight that trains; build it, unfreeze")


def _resolve_loss(model: keras.Model, loss: Any) -> full_batch.LossFunction:
    """Returns a function of labels and outputs: the loss of each example."""
    loss = getattr(model, "loss", None) if loss is None else loss
    if loss is None:
        raise UsageError(
            f"loss must be given, as {model.name} is not compiled; got None"
        )
    function = keras.losses.get(loss)
    return function.call if isinstance(function, keras.losses.Loss) else function


def _evaluation(
    objective: full_batch.Objective, weights: list[keras.Variable]
) -> Evaluation:
    """Returns the objective as SciPy takes it, in float64."""

    def evaluate(vector: np.ndarray) -> tuple[float, np.ndarray]:
        costs, penalty, gradients = objective(_unflatten(vector, weights))
        # Rounding to float32 would end the search early, where the loss is flat.
        mean = np.mean(keras.ops.convert_to_numpy(costs), dtype=np.float64)
        return float(mean + float(penalty)), _flatten(gradients)

    return evaluate


def _flatten(arrays: list[Any]) -> np.ndarray:
    """Returns all values in a float64 vector."""
    parts = [keras.ops.convert_to_numpy(array).ravel() for array in arrays]
    return np.concatenate(parts).astype(np.float64)


def _unflatten(vector: np.ndarray, weights: list[keras.Variable]) -> list[np.ndarray]:
    """Returns float32 arrays of the weights' shapes."""
    ends = np.cumsum([int(np.prod(weight.shape)) for weight in weights])
    parts = np.split(vector.astype(np.float32), ends[:-1])
    return [
        part.reshape(weight.shape) for part, weight in zip(parts, weights, strict=True)
    ]
