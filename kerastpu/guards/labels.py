"""Are the labels of the kind that the loss takes, and in the range of the outputs."""

from __future__ import annotations

import numpy as np

from kerastpu.errors import UsageError
from kerastpu.guards.loss_kind import LossKind
from kerastpu.guards.outputs import Output

_TOLERANCE = 1e-2  # of a sum of probabilities, which may be of half precision
_NUMBERS = "biufV"  # kinds of dtype; bfloat16 is of kind V
_SHOWN = 5  # numbers of a row in a message


def check_labels(
    labels: np.ndarray, num_images: int, output: Output, loss: LossKind
) -> None:
    """Refuses labels that the loss takes for something else.

    Args:
        labels: of one batch.
        num_images: in the batch.
        output: of the model; only one of a number for each class is judged.
        loss: what it expects.

    Raises:
        UsageError: says what came and what to write.
    """
    if labels.dtype.kind not in _NUMBERS:
        raise UsageError(f"labels must be numbers; got dtype {labels.dtype}")
    if labels.ndim == 0 or len(labels) != num_images:
        raise UsageError(
            f"labels must be as many as images, {num_images}; got shape {labels.shape}"
        )
    if len(output.shape) != 2 or not output.units:
        return
    if labels.ndim == 3 and labels.shape[2] == 1:  # Keras drops that axis
        labels = labels[..., 0]
    if loss.labels == "sparse":
        _check_sparse(labels, output.units, loss.ignored_label)
    elif loss.labels == "categorical":
        _check_distributions(labels, output.units)
    elif loss.labels == "binary":
        _check_binary(labels, output.units)


def _check_sparse(labels: np.ndarray, classes: int, ignored: int | None) -> None:
    if labels.ndim > 2 or (labels.ndim == 2 and labels.shape[1] != 1):
        raise UsageError(
            "a sparse loss takes integer labels (batch,), and these are of shape "
            f"{labels.shape}; use categorical_crossentropy, or labels.argmax(axis=-1)"
        )
    if not np.array_equal(labels, np.floor(labels)):
        raise UsageError(
            "a sparse loss takes whole numbers as labels; got "
            f"{_first(labels, labels != np.floor(labels))}"
        )
    is_outside = (labels < 0) | (labels >= classes)
    if ignored is not None:
        is_outside &= labels != ignored
    if is_outside.any():
        raise UsageError(
            f"labels must be 0..{classes - 1} for the {classes} outputs of the model; "
            f"got {_first(labels, is_outside)}; give the model an output for each "
            "class, or number the classes from 0"
        )


def _check_distributions(labels: np.ndarray, classes: int) -> None:
    is_sparse = labels.ndim == 1 or (labels.ndim == 2 and labels.shape[1] == 1)
    if is_sparse and classes > 1:
        raise UsageError(
            "a categorical loss takes one-hot labels (batch, classes), and these are "
            f"of shape {labels.shape}; use sparse_categorical_crossentropy, or "
            f"keras.utils.to_categorical(labels, {classes})"
        )
    if labels.ndim == 1:  # Keras adds that axis
        labels = labels[:, None]
    if labels.shape[1:] != (classes,):
        raise UsageError(
            f"labels must be (batch, {classes}), a number for each output of the "
            f"model; got shape {labels.shape}"
        )
    labels = labels.astype(float)
    is_wrong = (labels < 0).any(axis=1)
    is_wrong |= ~(np.abs(labels.sum(axis=1) - 1) <= _TOLERANCE)  # NaN is wrong too
    if is_wrong.any():
        raise UsageError(
            "a categorical loss takes labels of 0..1 that sum to 1 for each example; "
            f"got {_show(labels[is_wrong][0])}; use "
            "binary_crossentropy where an example may be of several classes"
        )


def _check_binary(labels: np.ndarray, units: int) -> None:
    if labels.size // len(labels) != units:
        raise UsageError(
            f"labels must be (batch, {units}), a number for each output of the model; "
            f"got shape {labels.shape}"
        )
    is_outside = (labels < 0) | (labels > 1)
    if is_outside.any():
        raise UsageError(
            "a binary loss takes labels of 0..1; got "
            f"{_first(labels, is_outside)}; for numbered classes use "
            "sparse_categorical_crossentropy with an output for each class"
        )


def _first(labels: np.ndarray, is_wrong: np.ndarray) -> float:
    return labels[is_wrong][0].item()


def _show(row: np.ndarray) -> str:
    numbers = ", ".join(f"{value:.3g}" for value in row[:_SHOWN])
    rest = ", ..." if len(row) > _SHOWN else ""
    return f"[{numbers}{rest}], of sum {row.sum():.3g}"
