"""Weights that let rare classes count as much as common ones."""

from collections.abc import Sequence

import numpy as np

from kerastpu.errors import UsageError


def balanced(labels: Sequence[int] | np.ndarray, num_classes: int) -> tuple[float, ...]:
    """Returns a weight for each class, in inverse proportion to its examples.

    w_c = N / (C * n_c), as scikit-learn's "balanced" (King & Zeng, 2001, Logistic
    regression in rare events data): all classes together count alike, and the mean
    over the examples is 1, so that losses and learning rates keep their size.

    Args:
        labels: int (N,), 0..num_classes-1.
        num_classes: C, at least 2.

    Raises:
        UsageError: labels that are not classes, or a class without any example.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise UsageError(
            "labels must be whole numbers (N,); got "
            f"{values.dtype} of shape {values.shape}"
        )
    outside = values[(values < 0) | (values >= num_classes)]
    if outside.size:
        raise UsageError(
            f"labels must be 0..{num_classes - 1}; got {int(outside[0])!r}"
        )
    return from_counts(np.bincount(values, minlength=num_classes).tolist())


def from_counts(
    counts: Sequence[int], class_names: Sequence[str] | None = None
) -> tuple[float, ...]:
    """Returns the weights of `balanced` from the examples in each class.

    Args:
        counts: int (C,).
        class_names: C names, for the error; None = numbers.

    Raises:
        UsageError: a class has no example.
    """
    names = class_names or [str(index) for index in range(len(counts))]
    empty = [name for name, count in zip(names, counts, strict=True) if not count]
    if empty:
        raise UsageError(
            "balanced class weights need an example of each class; there is none of "
            f"{', '.join(empty)}"
        )
    total = sum(counts)
    return tuple(total / (len(counts) * count) for count in counts)
