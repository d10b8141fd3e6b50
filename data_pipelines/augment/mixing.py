"""Mixup and cutmix: images of a batch blended in pairs, with their labels."""

import math

import cv2
import numpy as np

from data_pipelines.augment.geometry import square_box
from data_pipelines.augment.policy import Augment
from data_pipelines.errors import DataError


def mix_batch(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    augment: Augment,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a batch mixed with itself in another order, and its label distributions.

    One weight and one box for the whole batch, as in the code of both papers: mixup
    (Zhang et al. 2017, arXiv:1710.09412) and cutmix (Yun et al. 2019,
    arXiv:1905.04899). Where the policy has both, each batch gets one of the two, with
    the same probability.

    Args:
        images: uint8 (batch, size, size, C), 0..255; not changed. For mixup also
            float32 (batch, ...), of any shape and range.
        labels: int (batch,), 0..num_classes - 1.
        num_classes: Length of the distributions.
        augment: Its `mixup` or `cutmix`, or both, must be above 0.
        rng: Source of all choices.

    Returns:
        The shape and type of `images`, and float32 (batch, num_classes) that sum to 1.

    Raises:
        DataError: the policy does not mix, or a label is out of range.
    """
    if not augment.is_mixing:
        raise DataError("mix_batch needs an augment with mixup or cutmix above 0")
    if ((labels < 0) | (labels >= num_classes)).any():
        raise DataError(
            f"labels must be within 0..{num_classes - 1}; "
            f"got {labels.min()}..{labels.max()}"
        )
    partners = rng.permutation(len(images))
    coin, x, y = rng.random(3)
    use_cutmix = not augment.mixup or (augment.cutmix and coin < 0.5)
    alpha = augment.cutmix if use_cutmix else augment.mixup
    weight = rng.beta(alpha, alpha)
    if use_cutmix:
        mixed, weight = _paste(images, partners, weight, (x, y))
    else:
        mixed = _blend(images, partners, weight)
    return mixed, _distributions(labels, labels[partners], num_classes, weight)


def _blend(images: np.ndarray, partners: np.ndarray, weight: float) -> np.ndarray:
    """Returns weight * image + (1 - weight) * partner, rounded."""
    flat = images.reshape(len(images), -1)
    mixed = cv2.addWeighted(flat, weight, flat[partners], 1 - weight, 0)
    return mixed.reshape(images.shape)


def _paste(
    images: np.ndarray,
    partners: np.ndarray,
    weight: float,
    center: tuple[float, float],
) -> tuple[np.ndarray, float]:
    """Pastes a square of area 1 - weight; returns also the share that was kept."""
    size = images.shape[1]
    left, top, right, bottom = square_box(size, math.sqrt(1 - weight), center)
    mixed = images.copy()
    mixed[:, top:bottom, left:right] = images[partners, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / size**2


def _distributions(
    own: np.ndarray, others: np.ndarray, num_classes: int, weight: float
) -> np.ndarray:
    """Returns float32 (batch, num_classes): `weight` on one label, the rest on one."""
    rows = np.arange(len(own))
    shares = np.zeros((len(own), num_classes), np.float32)
    shares[rows, own] = weight
    shares[rows, others] += np.float32(1 - weight)  # both may be the same label
    return shares
