"""A network of dense layers for tables of numbers, such as payments to be checked.

Standardization is a layer of the network, so that a saved model takes the numbers as
they stand in the table.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from kerastpu.errors import UsageError
from kerastpu.models import hidden, layers

INPUT = "columns"


def standardization(
    columns: np.ndarray,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Computes what `build_tabular` standardizes with; from the training rows only.

    Args:
        columns: (rows, num_features), numbers.

    Returns:
        Mean and standard deviation of each column; 1 for a column that never changes.

    Raises:
        UsageError: the table has another number of axes, no rows, or gaps.
    """
    columns = np.asarray(columns)
    if columns.ndim != 2 or 0 in columns.shape or columns.dtype.kind not in "biuf":
        raise UsageError(
            "columns must be a table of numbers (rows, num_features); "
            f"got {columns.dtype} {columns.shape}"
        )
    columns = columns.astype(np.float64)
    finite = np.isfinite(columns).all(axis=0)
    if not finite.all():
        raise UsageError(
            f"columns must be finite numbers; column {int(finite.argmin())} is not"
        )
    std = columns.std(axis=0)
    # The deviation of equal numbers may come out as a rounding error above 0.
    std[(columns == columns[0]).all(axis=0) | (std == 0)] = 1.0
    return tuple(columns.mean(axis=0).tolist()), tuple(std.tolist())


def build_tabular(
    *,
    num_features: int,
    num_classes: int = 2,
    units: Sequence[int] = (64, 32),
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    initializer: str = "glorot_uniform",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> keras.Model:
    """Builds standardization, hidden dense layers and a softmax classifier.

    Args:
        num_features: Columns of the table.
        num_classes: Number of classes, at least 2.
        units: Units of each hidden layer, 1..65536; none: softmax regression.
        activation: Of the hidden layers: relu, gelu, silu, tanh, sigmoid or linear.
        dropout: Share of a hidden layer's outputs dropped in training, 0..0.9.
        batch_norm: True: BatchNorm before each activation.
        initializer: Of the hidden kernels: one of `hidden.INITIALIZERS`.
        mean: Subtracted from each column; see `standardization`. None: the numbers
            go in as they are.
        std: Each column is divided by it after that; above 0. Comes with `mean`.

    Returns:
        An uncompiled model: float32 (batch, num_features) -> float32 probabilities
        (batch, num_classes).

    Raises:
        UsageError: an argument is out of range.
    """
    for name, count, least in (
        ("num_features", num_features, 1),
        ("num_classes", num_classes, 2),
    ):
        if type(count) is not int or count < least:
            raise UsageError(
                f"{name} must be a whole number of at least {least}; got {count!r}"
            )
    hidden.check(units, activation, dropout, initializer)
    columns = x = keras.Input((num_features,), dtype="float32", name=INPUT)
    if mean is not None or std is not None:
        x = _standardize(x, mean, std)
    x = hidden.apply(
        x,
        units,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        initializer=initializer,
    )
    dropout = dropout if units else 0.0
    return layers.finish(
        "tabular", columns, x, num_classes, include_top=True, dropout=dropout
    )


def _standardize(
    x: keras.KerasTensor, mean: Sequence[float] | None, std: Sequence[float] | None
) -> keras.KerasTensor:
    """Applies (x - mean) / std by a stock layer, float32 also under mixed precision."""
    num_features = x.shape[-1]
    for name, values in (("mean", mean), ("std", std)):
        if values is None or np.shape(np.asarray(values)) != (num_features,):
            raise UsageError(
                f"mean and std must have {num_features} numbers each, one for each "
                f"column; got {name} of shape {np.shape(np.asarray(values))}"
            )
    means, stds = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    good = np.isfinite(means) & np.isfinite(stds) & (stds > 0)
    if not good.all():
        bad = int(good.argmin())
        raise UsageError(
            f"mean must be finite and std above 0; column {bad} has mean {means[bad]} "
            f"and std {stds[bad]}"
        )
    return keras.layers.Rescaling(
        (1 / stds).tolist(),
        offset=(-means / stds).tolist(),
        dtype="float32",
        name="preprocessing",
    )(x)
