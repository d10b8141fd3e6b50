"""Arrays that come split, as the sources of MNIST and CIFAR-10 do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError
from data_pipelines.sources.source import Source, from_arrays

if TYPE_CHECKING:
    import numpy as np


def from_split_arrays(
    parts: "Sequence[tuple[str, np.ndarray, np.ndarray]]",
    class_names: Sequence[str],
    name: str,
) -> Source:
    """Returns the images of all splits as one source, in which each keeps its split.

    Args:
        parts: Split, images and labels, each as `from_arrays` takes them; a split may
            come in several parts, and images of all parts have one size.
        class_names: As `from_arrays` takes them.
        name: Where the arrays are from, for people.

    Raises:
        DataError: another shape, dtype or label; begins with `name`.
    """
    import numpy as np

    for split, images, labels in parts:
        _check_part(images, labels, f"{name}: {split}")
    sizes = {images.shape[1:] for _, images, _ in parts}
    if len(sizes) > 1:
        raise DataError(f"{name}: images of several sizes: {sorted(sizes)}")
    splits, images, labels = zip(*parts, strict=True)
    try:
        source = from_arrays(
            np.concatenate(images),
            np.concatenate(labels),
            class_names,
            np.repeat(splits, [len(part) for part in labels]).tolist(),
        )
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return replace(source, name=name)


def _check_part(images: "np.ndarray", labels: "np.ndarray", name: str) -> None:
    """Refuses what would not show once the parts are joined."""
    import numpy as np

    if (
        (images.dtype, labels.shape) != (np.uint8, images.shape[:1])
        or images.ndim not in (3, 4)
        or not np.issubdtype(labels.dtype, np.integer)
    ):
        raise DataError(
            f"{name} must be images, uint8 (N, height, width, ...), and labels, "
            f"integers (N,); got {images.dtype} {images.shape} and {labels.dtype} "
            f"{labels.shape}"
        )
