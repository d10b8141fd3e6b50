"""Operations that move pixels: crop, mirror, rotate, shear, shift."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from data_pipelines.augment.policy import Augment

GRAY = (128, 128, 128)  # painted where an operation leaves a hole


def crop_box(
    height: int, width: int, uniforms: Sequence[float], augment: Augment
) -> tuple[int, int, int, int]:
    """Returns (left, top, width, height) of a random resized crop, in pixels.

    One draw, cut to the image where it does not fit; the common recipe (Szegedy et
    al. 2014, arXiv:1409.4842, section 6) draws again instead, which costs a loop.

    Args:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        uniforms: Four numbers in 0..1: for area, ratio, left and top.
        augment: Gives the ranges; `crop_scale` must not be None.
    """
    (low, high), (thin, wide) = augment.crop_scale or (1.0, 1.0), augment.crop_ratio
    area = height * width * (low + (high - low) * uniforms[0])
    ratio = thin * (wide / thin) ** uniforms[1]
    crop_width = min(width, max(1, round(math.sqrt(area * ratio))))
    crop_height = min(height, max(1, round(math.sqrt(area / ratio))))
    # A uniform of exactly 1 would be one pixel too far.
    left = min(int(uniforms[2] * (width - crop_width + 1)), width - crop_width)
    top = min(int(uniforms[3] * (height - crop_height + 1)), height - crop_height)
    return left, top, crop_width, crop_height


def rotate(image: np.ndarray, degrees: float, *, is_mirrored: bool) -> np.ndarray:
    """Returns the image turned counterclockwise about its center, same size.

    Args:
        image: uint8 (height, width, 3).
        degrees: Angle.
        is_mirrored: What lies outside of the image is its mirror image; else gray.
    """
    height, width = image.shape[:2]
    center = ((width - 1) / 2, (height - 1) / 2)
    return _warp(image, cv2.getRotationMatrix2D(center, degrees, 1.0), is_mirrored)


def shear(image: np.ndarray, slope: float, *, axis: int) -> np.ndarray:
    """Returns the image with each line moved by slope x its distance from the center.

    Args:
        image: uint8 (height, width, 3).
        slope: Pixels per pixel.
        axis: 1 moves rows to the right, below the center; 0 columns down, right of it.
    """
    matrix = np.eye(2, 3)
    matrix[1 - axis, axis] = slope
    matrix[1 - axis, 2] = -slope * (image.shape[1 - axis] - 1) / 2
    return _warp(image, matrix, is_mirrored=False)


def translate(image: np.ndarray, pixels: float, *, axis: int) -> np.ndarray:
    """Returns the image moved to the right (axis 1) or down (axis 0) by `pixels`."""
    matrix = np.eye(2, 3)
    matrix[1 - axis, 2] = pixels
    return _warp(image, matrix, is_mirrored=False)


def cut_out(image: np.ndarray, share: float, center: tuple[float, float]) -> np.ndarray:
    """Returns the image with a gray square (DeVries & Taylor 2017, arXiv:1708.04552).

    Args:
        image: uint8 (size, size, 3).
        share: Side of the square / side of the image, 0..1.
        center: Of the square, (x, y) in 0..1; it may reach over the edge.
    """
    left, top, right, bottom = square_box(image.shape[0], share, center)
    result = image.copy()
    result[top:bottom, left:right] = GRAY
    return result


def square_box(
    size: int, share: float, center: tuple[float, float]
) -> tuple[int, int, int, int]:
    """Returns (left, top, right, bottom) of a square, cut off where the image ends.

    Args:
        size: Side of the image in pixels.
        share: Side of the square / side of the image, 0..1.
        center: (x, y) in 0..1.
    """
    side = round(share * size)
    left, top = (math.floor(place * size - side / 2 + 0.5) for place in center)
    return max(0, left), max(0, top), min(size, left + side), min(size, top + side)


def _warp(image: np.ndarray, matrix: np.ndarray, is_mirrored: bool) -> np.ndarray:
    """Moves pixels by a (2, 3) matrix on (x, y), with bilinear interpolation."""
    return cv2.warpAffine(
        image,
        matrix,
        (image.shape[1], image.shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101 if is_mirrored else cv2.BORDER_CONSTANT,
        borderValue=GRAY,
    )
