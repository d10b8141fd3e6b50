"""The fire module of SqueezeNet: Iandola et al., arXiv:1602.07360."""

from __future__ import annotations

import keras

from kerastpu.errors import UsageError
from kerastpu.models import blocks


def fire_module(
    squeeze: int,
    expand: int,
    *,
    batch_norm: blocks.BatchNorm = "none",
    name: str | None = None,
) -> blocks.Module:
    """Makes a fire module: a cheap stand-in for a 3x3 convolution.

    Args:
        squeeze: Filters of the 1x1 convolution that narrows the input, commonly fewer
            than `expand`.
        expand: Filters of the output, an even number: half 1x1, half 3x3, both on the
            narrow data.
        batch_norm: Where BatchNorm stands; see `blocks.conv`.
        name: Prefix of the layer names; None leaves them to Keras.

    Returns:
        A function (batch, height, width, any) -> (batch, height, width, expand).

    Raises:
        UsageError: an argument is out of range.
    """
    if type(squeeze) is not int or squeeze < 1:
        raise UsageError(
            f"squeeze must be a whole number of at least 1; got {squeeze!r}"
        )
    if type(expand) is not int or expand < 2 or expand % 2:
        raise UsageError(f"expand must be an even number of at least 2; got {expand!r}")
    blocks.check_batch_norm(batch_norm)

    def named(part: str) -> str | None:
        return name and f"{name}_{part}"

    def apply(x: keras.KerasTensor) -> keras.KerasTensor:
        narrow = blocks.conv(x, squeeze, 1, named("squeeze1x1"), batch_norm=batch_norm)
        branches = [
            blocks.conv(
                narrow,
                expand // 2,
                size,
                named(f"expand{size}x{size}"),
                batch_norm=batch_norm,
            )
            for size in (1, 3)
        ]
        return keras.layers.Concatenate(name=named("concat"))(branches)

    return apply
