"""Resizing an axis as a matrix: rows are what comes out, columns what goes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kerastpu.importers.graph import UnsupportedError


def _half_pixel(x: np.ndarray, size: int, new: int, scale: np.float32) -> np.ndarray:
    return (x + np.float32(0.5)) / scale - np.float32(0.5)


def _symmetric(x: np.ndarray, size: int, new: int, scale: np.float32) -> np.ndarray:
    kept = np.float32(new) / (scale * np.float32(size))
    center = np.float32(size / 2)
    begin = center * (1 - kept)
    return begin + (x + np.float32(0.5)) / scale - np.float32(0.5)


def _pytorch(x: np.ndarray, size: int, new: int, scale: np.float32) -> np.ndarray:
    return _half_pixel(x, size, new, scale) if new > 1 else np.zeros_like(x)


def _align_corners(x: np.ndarray, size: int, new: int, scale: np.float32) -> np.ndarray:
    if new == 1:
        return np.zeros_like(x)
    return x * np.float32(size - 1) / np.float32(new - 1)


def _asymmetric(x: np.ndarray, size: int, new: int, scale: np.float32) -> np.ndarray:
    return x / scale


COORDINATES: Mapping[str, Callable[[np.ndarray, int, int, np.float32], np.ndarray]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": _pytorch,
    "align_corners": _align_corners,
    "asymmetric": _asymmetric,
}
ROUNDING: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
MODES = ("nearest", "linear", "cubic")


def matrix(
    size: int,
    new: int,
    scale: float,
    *,
    mode: str,
    coordinates: str,
    rounding: str,
    cubic_coefficient: float = -0.75,
    excludes_outside: bool = False,
) -> np.ndarray:
    """Returns what makes an axis of another size.

    Args:
        size: Elements that go in.
        new: Elements that come out.
        scale: `new` by `size` before it was rounded down.
        mode: One of `MODES`.
        coordinates: Key of `COORDINATES`: where an element lies in what goes in.
        rounding: Key of `ROUNDING`, for the nearest element.
        cubic_coefficient: Slope of the cubic kernel, -0.5 or -0.75 for most.
        excludes_outside: Whether elements beyond the border count nothing, not as the
            one at the border; cubic only.

    Returns:
        float32 (new, size); each row sums to 1.

    Raises:
        UnsupportedError: a size or the scale is no positive number.
    """
    if size < 1 or new < 1 or not scale > 0:
        raise UnsupportedError(f"{size} elements by {scale:g} make {new}")
    # In float32, so that what lies halfway is rounded as ONNX Runtime rounds it.
    x = np.arange(new, dtype=np.float32)
    places = COORDINATES[coordinates](x, size, new, np.float32(scale))
    if mode == "nearest":
        nearest = ROUNDING[rounding](places).astype(int)
        return np.eye(size, dtype=np.float32)[np.clip(nearest, 0, size - 1)]
    if mode == "linear":
        taps, weights = _linear(np.clip(places, 0, size - 1))
    else:
        taps, weights = _cubic(places, cubic_coefficient)
    if excludes_outside and mode == "cubic":
        weights = np.where((taps >= 0) & (taps < size), weights, 0)
        weights = weights / weights.sum(1, keepdims=True)
    result = np.zeros((new, size))
    rows = np.repeat(np.arange(new)[:, None], taps.shape[1], 1)
    np.add.at(result, (rows, np.clip(taps, 0, size - 1)), weights)
    return result.astype(np.float32)


def _linear(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns two elements for each place, and their weights."""
    below = np.floor(places).astype(int)
    share = places - below
    return np.stack([below, below + 1], 1), np.stack([1 - share, share], 1)


def _cubic(places: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns four elements for each place, and their weights (Keys, 1981)."""
    below = np.floor(places).astype(int)
    taps = below[:, None] + np.arange(-1, 3)
    t = np.abs(places[:, None] - taps)
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return taps, np.where(t <= 1, near, far)
