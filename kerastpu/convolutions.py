"""The arithmetic of convolutions: sizes, parameters, multiplications; no Keras."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kerastpu.errors import UsageError


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Returns the side of what a convolution or a pooling makes: (n + 2p - f) / s + 1.

    Args:
        size: Side of the input, n, in pixels.
        kernel: Side of the window, f, in pixels.
        stride: Step of the window, s, in pixels.
        padding: Pixels put on at each of both ends, p; (f - 1) / 2 keeps the size at
            stride 1 ("same" for an odd window).
        dilation: Distance between neighboring taps of the window, in pixels.

    Raises:
        UsageError: an argument is out of range, or the window does not fit.
    """
    _check_counts(size=size, kernel=kernel, stride=stride, dilation=dilation)
    if type(padding) is not int or padding < 0:
        raise UsageError(
            f"padding must be a whole number of at least 0; got {padding!r}"
        )
    span = dilation * (kernel - 1) + 1
    if span > size + 2 * padding:
        raise UsageError(
            f"kernel must span at most size + 2 * padding = {size + 2 * padding} "
            f"pixels; got kernel {kernel}, which spans {span}"
        )
    return (size + 2 * padding - span) // stride + 1


def conv_parameters(
    kernel: Sequence[int],
    in_channels: int,
    filters: int,
    *,
    groups: int = 1,
    use_bias: bool = True,
) -> int:
    """Counts the weights of a convolution, also what it multiplies at each position.

    Args:
        kernel: Size of the window in each direction, in pixels: (4, 4).
        in_channels: Channels of the input.
        filters: Channels of the output.
        groups: Parts of the channels that do not see each other.
        use_bias: Whether each filter has a bias; a bias is added, not multiplied.

    Raises:
        UsageError: an argument is no positive number, or `groups` divides not evenly.
    """
    _check_kernel(kernel)
    _check_counts(in_channels=in_channels, filters=filters, groups=groups)
    if in_channels % groups or filters % groups:
        raise UsageError(
            f"groups must divide in_channels {in_channels} and filters {filters}; "
            f"got {groups!r}"
        )
    return math.prod(kernel) * in_channels // groups * filters + use_bias * filters


def separable_parameters(
    kernel: Sequence[int],
    in_channels: int,
    filters: int,
    *,
    depth_multiplier: int = 1,
    use_bias: bool = True,
) -> int:
    """Counts the weights of a depthwise-separable convolution.

    Stage 1 has one window for each channel, stage 2 a 1x1 convolution over them: 63
    instead of 240 weights for a 4x4 window, 3 channels and 5 filters without bias.

    Args:
        kernel: Size of the window in each direction, in pixels: (4, 4).
        in_channels: Channels of the input.
        filters: Channels of the output.
        depth_multiplier: Windows for each channel of the input.
        use_bias: Whether each filter has a bias.

    Raises:
        UsageError: an argument is no positive number.
    """
    _check_kernel(kernel)
    _check_counts(
        in_channels=in_channels, filters=filters, depth_multiplier=depth_multiplier
    )
    between = in_channels * depth_multiplier
    return (math.prod(kernel) + filters) * between + use_bias * filters


def conv_multiplications(
    kernel: Sequence[int],
    in_channels: int,
    filters: int,
    output: Sequence[int],
    *,
    groups: int = 1,
) -> int:
    """Counts the multiplications of a convolution that makes `output` positions.

    Args:
        kernel: Size of the window in each direction, in pixels.
        in_channels: Channels of the input.
        filters: Channels of the output.
        output: Size of the output in each direction, in pixels: see `output_size`.
        groups: Parts of the channels that do not see each other.

    Raises:
        UsageError: an argument is out of range.
    """
    _check_counts(**{f"output[{axis}]": size for axis, size in enumerate(output)})
    return math.prod(output) * conv_parameters(
        kernel, in_channels, filters, groups=groups, use_bias=False
    )


def separable_multiplications(
    kernel: Sequence[int],
    in_channels: int,
    filters: int,
    output: Sequence[int],
    *,
    depth_multiplier: int = 1,
) -> int:
    """Counts the multiplications of both stages; arguments as above.

    Raises:
        UsageError: an argument is out of range.
    """
    _check_counts(**{f"output[{axis}]": size for axis, size in enumerate(output)})
    return math.prod(output) * separable_parameters(
        kernel,
        in_channels,
        filters,
        depth_multiplier=depth_multiplier,
        use_bias=False,
    )


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if type(count) is not int or count < 1:
            raise UsageError(
                f"{name} must be a whole number of at least 1; got {count!r}"
            )


def _check_kernel(kernel: Sequence[int]) -> None:
    if isinstance(kernel, int) or not kernel:
        raise UsageError(
            f"kernel must be the size in each direction, as (3, 3); got {kernel!r}"
        )
    _check_counts(**{f"kernel[{axis}]": size for axis, size in enumerate(kernel)})
