"""Hidden dense layers, for networks on pixels and on tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import keras

from kerastpu.config import sections
from kerastpu.errors import UsageError
from kerastpu.models import layers

# Normal numbers of one spread whatever the layer's size, as networks began; the other
# two fit the spread to the number of inputs: for tanh, and for ReLU.
INITIALIZERS = ("random_normal", "glorot_uniform", "he_normal")


def check_dropout(dropout: float) -> None:
    """Refuses a share that would drop next to everything.

    Raises:
        UsageError: says what came and what is allowed.
    """
    if type(dropout) not in (int, float) or not 0 <= dropout <= 0.9:
        raise UsageError(f"dropout must be 0..0.9; got {dropout!r}")


def check(
    units: Sequence[int], activation: str, dropout: float, initializer: str
) -> None:
    """Refuses what `apply` cannot build; arguments as there.

    Raises:
        UsageError: says which argument, what came and what is allowed.
    """
    is_list = isinstance(units, (tuple, list))
    if not is_list or any(type(n) is not int or not 1 <= n <= 65536 for n in units):
        raise UsageError(
            f"units must be a list of whole numbers of 1..65536; got {units!r}"
        )
    activations = get_args(sections.ActivationName)
    if activation not in activations:
        raise UsageError(
            f"activation must be {', '.join(activations)}; got {activation!r}"
        )
    check_dropout(dropout)
    if initializer not in INITIALIZERS:
        raise UsageError(
            f"initializer must be {', '.join(INITIALIZERS)}; got {initializer!r}"
        )


def apply(
    x: keras.KerasTensor,
    units: Sequence[int],
    *,
    activation: str,
    dropout: float,
    batch_norm: bool,
    initializer: str,
) -> keras.KerasTensor:
    """Applies dense layers; the last activation is `layers.FEATURES`, in float32.

    Args:
        x: (batch, features).
        units: Units of each layer; none: `x` comes out as it is.
        activation: After each layer: a value of `sections.ActivationName`.
        dropout: Share of a layer's outputs dropped in training, 0..0.9; those of the
            last layer are left to `layers.finish`.
        batch_norm: Whether BatchNorm stands before each activation.
        initializer: Of the kernels: one of `INITIALIZERS`.

    Returns:
        (batch, units of the last layer).
    """
    if not units:
        return keras.layers.Activation("linear", dtype="float32", name=layers.FEATURES)(
            x
        )
    for number, size in enumerate(units, start=1):
        is_last = number == len(units)
        x = keras.layers.Dense(
            size,
            use_bias=not batch_norm,
            kernel_initializer=initializer,
            name=f"dense{number}",
        )(x)
        if batch_norm:
            x = keras.layers.BatchNormalization(name=f"dense{number}_bn")(x)
        x = keras.layers.Activation(
            activation,
            dtype="float32" if is_last else None,
            name=layers.FEATURES if is_last else f"dense{number}_{activation}",
        )(x)
        if dropout and not is_last:
            x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    return x
