"""Convolutions of the small networks, in the orders of their sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import keras

from kerastpu.errors import UsageError

BatchNorm = Literal["none", "after", "before"]
Step = tuple[int, int] | Literal["pool"]
Module = Callable[[keras.KerasTensor], keras.KerasTensor]

# The codelab lowers it from Keras's 0.99: a small data set makes few updates.
MOMENTUM = 0.9


def check_batch_norm(batch_norm: str) -> None:
    """Refuses what `conv` does not know.

    Raises:
        UsageError: says what came and what is allowed.
    """
    if batch_norm not in get_args(BatchNorm):
        raise UsageError(
            f"batch_norm must be {', '.join(get_args(BatchNorm))}; got {batch_norm!r}"
        )


def place_batch_norm(batch_norm: bool) -> BatchNorm:
    """Returns where the codelab puts BatchNorm when it is switched on.

    Raises:
        UsageError: it is neither True nor False.
    """
    if type(batch_norm) is not bool:
        raise UsageError(f"batch_norm must be True or False; got {batch_norm!r}")
    return "after" if batch_norm else "none"


def conv(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    name: str | None,
    *,
    strides: int = 1,
    batch_norm: BatchNorm = "none",
    momentum: float = MOMENTUM,
) -> keras.KerasTensor:
    """Applies a convolution and ReLU, with or without BatchNorm.

    Args:
        x: (batch, height, width, channels).
        filters: Channels of the output.
        size: Height and width of the window, in pixels.
        name: Name of the convolution and prefix of the names of what follows it; None
            leaves the names to Keras.
        strides: Step of the window in both directions, in pixels.
        batch_norm: "after": convolution, ReLU, BatchNorm, the codelab's order;
            "before": convolution without bias, BatchNorm without scale, ReLU (a bias
            and a scale there would do nothing that the layers around cannot do);
            "none": no BatchNorm.
        momentum: Of the moving statistics of BatchNorm, 0..1.

    Returns:
        (batch, ceil(height / strides), ceil(width / strides), filters).
    """

    def named(suffix: str) -> str | None:
        return name and name + suffix

    is_before = batch_norm == "before"
    x = keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        activation=None if is_before else "relu",
        use_bias=not is_before,
        name=name,
    )(x)
    if batch_norm != "none":
        x = keras.layers.BatchNormalization(
            momentum=momentum, scale=not is_before, name=named("_bn")
        )(x)
    return keras.layers.ReLU(name=named("_relu"))(x) if is_before else x


def stack(x: keras.KerasTensor, steps: Sequence[Step]) -> keras.KerasTensor:
    """Applies convolutions with ReLU and 2x2 max-pools, one after the other.

    Args:
        x: (batch, height, width, channels).
        steps: (filters, window size in pixels) of a convolution, or "pool", which
            halves height and width.

    Returns:
        (batch, height / 2 for each pool, width likewise, filters of the last).
    """
    num_convs = num_pools = 0
    for step in steps:
        if step == "pool":
            num_pools += 1
            x = keras.layers.MaxPooling2D(2, name=f"pool{num_pools}")(x)
        else:
            num_convs += 1
            x = conv(x, *step, f"conv{num_convs}")
    return x


def with_pools(x: keras.KerasTensor, modules: Iterable[Module]) -> keras.KerasTensor:
    """Applies modules, such as fire modules, with a 2x2 max-pool between them.

    Args:
        x: (batch, height, width, channels).
        modules: Each keeps height and width.

    Returns:
        (batch, height / 2 for each pool, width likewise, channels of the last).
    """
    for number, module in enumerate(modules):
        if number:
            x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
        x = module(x)
    return x
