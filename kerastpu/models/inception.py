"""The inception module: windows of several sizes side by side, the network chooses.

Source: Szegedy et al., arXiv:1409.4842; the codelab shows its 1x1 and 3x3 branches.
"""

from __future__ import annotations

import keras

from kerastpu.errors import UsageError
from kerastpu.models import blocks


def inception_module(
    filters_1x1: int,
    filters_3x3: int,
    *,
    filters_5x5: int = 0,
    filters_pool: int = 0,
    reduce_3x3: int = 0,
    reduce_5x5: int = 0,
    batch_norm: blocks.BatchNorm = "none",
    name: str | None = None,
) -> blocks.Module:
    """Makes an inception module; 0 leaves a branch or a reduction out.

    Args:
        filters_1x1: Filters of the 1x1 branch.
        filters_3x3: Filters of the 3x3 branch.
        filters_5x5: Filters of the 5x5 branch.
        filters_pool: Filters of the 1x1 convolution behind a 3x3 max-pool.
        reduce_3x3: Filters of a 1x1 convolution before the 3x3 one.
        reduce_5x5: Filters of a 1x1 convolution before the 5x5 one.
        batch_norm: Where BatchNorm stands; see `blocks.conv`.
        name: Prefix of the layer names; None leaves them to Keras.

    Returns:
        A function (batch, height, width, any) -> (batch, height, width, sum of the
        filters of the branches).

    Raises:
        UsageError: an argument is out of range, or there are not two branches.
    """
    # size of the window -> (filters, filters of the reduction before it)
    windows = {
        1: (filters_1x1, 0),
        3: (filters_3x3, reduce_3x3),
        5: (filters_5x5, reduce_5x5),
    }
    _check(windows, filters_pool)
    blocks.check_batch_norm(batch_norm)

    def named(part: str) -> str | None:
        return name and f"{name}_{part}"

    def conv(
        x: keras.KerasTensor, filters: int, size: int, part: str
    ) -> keras.KerasTensor:
        return blocks.conv(x, filters, size, named(part), batch_norm=batch_norm)

    def apply(x: keras.KerasTensor) -> keras.KerasTensor:
        branches = []
        for size, (filters, reduce) in windows.items():
            part = f"{size}x{size}"
            if filters:
                narrow = conv(x, reduce, 1, f"{part}_reduce") if reduce else x
                branches.append(conv(narrow, filters, size, part))
        if filters_pool:
            pool = keras.layers.MaxPooling2D(
                3, strides=1, padding="same", name=named("pool")
            )
            branches.append(conv(pool(x), filters_pool, 1, "pool_1x1"))
        return keras.layers.Concatenate(name=named("concat"))(branches)

    return apply


def _check(windows: dict[int, tuple[int, int]], filters_pool: int) -> None:
    """Refuses what is no number of filters, and a module of one branch."""
    counts = {"filters_pool": filters_pool}
    for size, (filters, reduce) in windows.items():
        counts[f"filters_{size}x{size}"] = filters
        counts[f"reduce_{size}x{size}"] = reduce
        if reduce and not filters:
            raise UsageError(
                f"reduce_{size}x{size} must be 0 without filters_{size}x{size}; "
                f"got {reduce!r}"
            )
    for name, count in counts.items():
        if type(count) is not int or count < 0:
            raise UsageError(
                f"{name} must be a whole number of at least 0; got {count!r}"
            )
    branches = {name: n for name, n in counts.items() if name.startswith("filters")}
    if sum(map(bool, branches.values())) < 2:
        raise UsageError(f"at least two branches must have filters; got {branches}")
