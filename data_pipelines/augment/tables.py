"""Operations that treat all pixels alike, each channel for itself: tables of 256.

Such operations are functions of `LEVELS`, float (256, 1), or (256, 3) once channels
differ. However many follow one another, they are one table in the end, which costs one
pass over the image and rounds once.
"""

import cv2
import numpy as np

LEVELS = np.arange(256.0)[:, None]
LEVELS.flags.writeable = False


def apply(image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns the image with each value looked up in a table.

    Args:
        image: uint8 (height, width, 3).
        levels: float (256, 1) or (256, 3), 0..255; rounded to the nearest.
    """
    return cv2.LUT(image, np.rint(levels).astype(np.uint8)[None])


def stretch(
    levels: np.ndarray, factor: float | np.ndarray, anchor: float = 0.0
) -> np.ndarray:
    """Returns levels whose distance from `anchor` is scaled, clipped to 0..255.

    From 0 this is brightness, from the mean gray contrast (both as in Pillow's
    ImageEnhance), from 255 it fades to white.

    Args:
        levels: float (256, 1) or (256, 3).
        factor: One for all channels, or (3,).
        anchor: The level that stays, 0..255.
    """
    return np.clip(anchor + (levels - anchor) * factor, 0, 255)


def shift(levels: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Returns levels with a number (3,) added for each channel, clipped to 0..255."""
    return np.clip(levels + offsets, 0, 255)


def solarize(levels: np.ndarray, threshold: float) -> np.ndarray:
    """Returns levels of which those from `threshold` on are inverted."""
    return np.where(levels < threshold, levels, 255 - levels)


def posterize(levels: np.ndarray, bits: int) -> np.ndarray:
    """Returns levels of which only the first `bits` bits are left, 1..8."""
    return levels - levels % 2 ** (8 - bits)


def mean_gray(image: np.ndarray) -> float:
    """Returns the mean brightness, 0..255, with the weights of ITU-R BT.601."""
    red, green, blue, _ = cv2.mean(image)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def auto_contrast(image: np.ndarray) -> np.ndarray:
    """Returns the image with each channel stretched to 0..255, unless it is constant.

    Args:
        image: uint8 (height, width, 3).
    """
    levels = np.repeat(LEVELS, 3, axis=1)
    for channel, pixels in enumerate(cv2.split(image)):
        low, high, _, _ = cv2.minMaxLoc(pixels)
        if low < high:
            levels[:, channel] = (levels[:, channel] - low) * (255 / (high - low))
    return apply(image, np.clip(levels, 0, 255))


def equalize(image: np.ndarray) -> np.ndarray:
    """Returns the image with the histogram of each channel made even.

    Args:
        image: uint8 (height, width, 3).
    """
    return cv2.merge([cv2.equalizeHist(pixels) for pixels in cv2.split(image)])
