"""Operations on the neighborhood of each pixel; mirrored beyond the edge."""

import cv2
import numpy as np

# Pillow's ImageFilter.SMOOTH, which its ImageEnhance.Sharpness is built on.
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
_SAME = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Returns the image under a Gaussian of standard deviation `sigma` pixels.

    Args:
        image: uint8 (height, width, 3).
        sigma: Above 0; the filter ends at about 3 sigma.
    """
    return cv2.GaussianBlur(image, (0, 0), sigma)


def sharpen(image: np.ndarray, factor: float) -> np.ndarray:
    """Returns the image with its difference from a smoothed one scaled.

    As Pillow's ImageEnhance.Sharpness, but the outermost pixels are sharpened too.

    Args:
        image: uint8 (height, width, 3).
        factor: 0 smooths, 1 changes nothing, 2 sharpens.
    """
    return cv2.filter2D(image, -1, factor * _SAME + (1 - factor) * _SMOOTH)
