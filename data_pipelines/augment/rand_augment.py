"""RandAugment (Cubuk et al. 2019, arXiv:1909.13719): random operations, one strength.

The 14 operations are the paper's. Strength runs over the ranges of AutoAugment
(arXiv:1805.09501, table 6), in torchvision's reading: from no change at magnitude 0 to
the end of the range at 10, with either sign where there are two directions. Auto-
contrast and equalization have no strength.
"""

from collections.abc import Callable

import numpy as np

from data_pipelines.augment import color, filters, geometry, tables

_MAX_DEGREES = 30.0
_MAX_SLOPE = 0.3
_MAX_SHIFT = 150 / 331  # of the side; 331 is the image size of AutoAugment's paper
_MAX_CHANGE = 0.9  # of factors, from 1
_MAX_BITS_LOST = 4


def _contrast(image: np.ndarray, factor: float) -> np.ndarray:
    mean = tables.mean_gray(image)
    return tables.apply(image, tables.stretch(tables.LEVELS, factor, mean))


def _posterize(image: np.ndarray, strength: float) -> np.ndarray:
    bits = 8 - round(_MAX_BITS_LOST * strength)
    return tables.apply(image, tables.posterize(tables.LEVELS, bits))


def _translate(image: np.ndarray, share: float, axis: int) -> np.ndarray:
    return geometry.translate(image, share * image.shape[axis], axis=axis)


# Each takes an image and a strength in -1..1.
OPERATIONS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "identity": lambda image, _: image,
    "auto_contrast": lambda image, _: tables.auto_contrast(image),
    "equalize": lambda image, _: tables.equalize(image),
    "rotate": lambda image, strength: geometry.rotate(
        image, _MAX_DEGREES * strength, is_mirrored=False
    ),
    "solarize": lambda image, strength: tables.apply(
        image, tables.solarize(tables.LEVELS, 256 * (1 - abs(strength)))
    ),
    "color": lambda image, strength: color.scale_color(
        image, 1 + _MAX_CHANGE * strength
    ),
    "posterize": lambda image, strength: _posterize(image, abs(strength)),
    "contrast": lambda image, strength: _contrast(image, 1 + _MAX_CHANGE * strength),
    "brightness": lambda image, strength: tables.apply(
        image, tables.stretch(tables.LEVELS, 1 + _MAX_CHANGE * strength)
    ),
    "sharpness": lambda image, strength: filters.sharpen(
        image, 1 + _MAX_CHANGE * strength
    ),
    "shear_x": lambda image, strength: geometry.shear(
        image, _MAX_SLOPE * strength, axis=1
    ),
    "shear_y": lambda image, strength: geometry.shear(
        image, _MAX_SLOPE * strength, axis=0
    ),
    "translate_x": lambda image, strength: _translate(image, _MAX_SHIFT * strength, 1),
    "translate_y": lambda image, strength: _translate(image, _MAX_SHIFT * strength, 0),
}
_NAMES = tuple(OPERATIONS)
DRAWS_PER_OPERATION = 2  # which one, and its sign


def apply_random(
    image: np.ndarray, magnitude: float, choice: float, sign: float
) -> np.ndarray:
    """Returns the image after one operation, uint8 (height, width, 3).

    Args:
        image: uint8 (height, width, 3).
        magnitude: 0..10.
        choice: In 0..1, chooses the operation, all with the same probability.
        sign: In 0..1, below 0.5 for one direction, else the other.
    """
    name = _NAMES[min(int(choice * len(_NAMES)), len(_NAMES) - 1)]
    strength = magnitude / 10 if sign < 0.5 else -magnitude / 10
    return OPERATIONS[name](image, strength)
