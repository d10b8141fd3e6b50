"""Scores of a classifier from its probabilities and the true labels, in NumPy."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Z_95 = 1.959963984540054  # 97.5 % point of the normal distribution


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; a ratio whose denominator is 0 is None."""

    name: str
    count: int
    """Images of this class."""
    precision: float | None
    """Share of the images called this class that are of it, 0..1."""
    recall: float | None
    """Share of the images of this class that are called it, 0..1."""
    f1: float | None
    """Harmonic mean of both, 0..1."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of a classifier on one split."""

    split: str
    count: int
    """Images scored."""
    accuracy: float
    """Share right, 0..1."""
    interval: tuple[float, float]
    """95 % Wilson interval of the accuracy."""
    loss: float
    """Mean negative log likelihood of the true class, in nats."""
    macro_f1: float
    """Mean F1 over the classes that have images."""
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    """confusion[true][predicted], counts of images."""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dicts and values, ready for `json`."""
        return asdict(self)


def evaluate(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    split: str = "test",
) -> Evaluation:
    """Scores predicted probabilities.

    Args:
        probabilities: float (N, C), rows sum to 1.
        labels: int (N,), 0..C-1.
        class_names: C names.
        split: what the images are, for the report.

    Raises:
        ValueError: no images, or shapes that do not fit each other.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if len(labels) == 0 or probabilities.shape != (len(labels), len(class_names)):
        raise ValueError(
            f"probabilities must be (N, {len(class_names)}) for N > 0 labels; got "
            f"{probabilities.shape} for {len(labels)} labels"
        )
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), len(class_names))
    right = int(np.trace(confusion))
    classes = _class_scores(confusion, class_names)
    present = [score.f1 or 0.0 for score in classes if score.count]
    likelihood = probabilities[np.arange(len(labels)), labels]
    return Evaluation(
        split=split,
        count=len(labels),
        accuracy=right / len(labels),
        interval=wilson_interval(right, len(labels)),
        loss=float(-np.log(np.maximum(likelihood, 1e-12)).mean()),
        macro_f1=float(np.mean(present)),
        classes=classes,
        confusion=tuple(tuple(map(int, row)) for row in confusion),
    )


def confusion_matrix(
    labels: np.ndarray, predicted: np.ndarray, num_classes: int
) -> np.ndarray:
    """Counts images by true class (row) and predicted class (column).

    Args:
        labels: int (N,), 0..num_classes-1.
        predicted: int (N,), 0..num_classes-1.
        num_classes: C.

    Returns:
        int64 (C, C).
    """
    pairs = np.asarray(labels) * num_classes + np.asarray(predicted)
    counts = np.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927): stays in 0..1, good for few images.

    Args:
        right: successes, 0..count.
        count: trials, above 0.
    """
    share, z2 = right / count, Z_95**2
    center = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    half *= Z_95 / (1 + z2 / count)
    return max(0.0, center - half), min(1.0, center + half)


def _class_scores(
    confusion: np.ndarray, class_names: tuple[str, ...]
) -> tuple[ClassScore, ...]:
    scores = []
    for index, name in enumerate(class_names):
        hits = int(confusion[index, index])
        count, called = int(confusion[index].sum()), int(confusion[:, index].sum())
        either = count + called
        scores.append(
            ClassScore(
                name=name,
                count=count,
                precision=hits / called if called else None,
                recall=hits / count if count else None,
                f1=2 * hits / either if either else None,
            )
        )
    return tuple(scores)
