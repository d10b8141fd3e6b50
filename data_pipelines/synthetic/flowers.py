"""Five classes of flowers drawn by code: labeled images that need no download.

The colors, the backgrounds and the light are shared by all classes, so that only form
tells them apart: a linear model on pixels must do badly and a small convnet well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data_pipelines.errors import DataError
from data_pipelines.synthetic import blooms, camera, scenery
from data_pipelines.synthetic.drawing import Pen, circle

CLASS_NAMES = tuple(blooms.BLOOMS)
RECIPE_VERSION = 1
"""Goes up whenever the same seed gives other pixels."""

_SUPERSAMPLING = 2
_MIN_SIZE = 32


def draw_flower(label: int, seed: int | Sequence[int], size: int = 224) -> np.ndarray:
    """Draw one image of a class; a pure function of its arguments.

    Args:
        label: Index into `CLASS_NAMES`.
        seed: One or more whole numbers >= 0.
        size: Height and width in pixels, at least 32.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        DataError: An argument is out of range.
    """
    rng = _resolve_rng(label, seed, size)
    light = rng.uniform(-2.6, -0.5)
    scene, is_near = scenery.background(rng, size)
    if rng.random() < 0.3:
        scene = _with_companions(scene, rng, label, light)
    center = size * (0.5 + rng.uniform(-0.14, 0.14, 2))
    radius = size * rng.uniform(0.23, 0.4)
    if is_near:
        scenery.shadow(scene, center, radius, light)
    wide = size * _SUPERSAMPLING
    # Nearest is the cheapest, and the reduction below undoes it exactly.
    scene = scene.resize((wide, wide), Image.Resampling.NEAREST)
    scale = _SUPERSAMPLING
    _draw_plant(scene, rng, label, center * scale, radius * scale, light)
    if rng.random() < 0.4:
        pen = Pen(ImageDraw.Draw(scene), np.full(2, wide / 2), np.eye(2), light)
        scenery.foreground(pen, rng, wide)
    scene = scene.reduce(_SUPERSAMPLING)
    if rng.random() < 0.2:
        camera.haze(scene, rng)
    return camera.expose(scene, rng)


def _resolve_rng(
    label: int, seed: int | Sequence[int], size: int
) -> np.random.Generator:
    """Check the arguments of `draw_flower` and seed its random numbers."""
    if not 0 <= label < len(CLASS_NAMES):
        raise DataError(f"label must be 0..{len(CLASS_NAMES) - 1}, not {label}")
    if size < _MIN_SIZE:
        raise DataError(f"size must be at least {_MIN_SIZE}, not {size}")
    entropy = np.atleast_1d(seed).tolist()
    if min(entropy, default=-1) < 0:
        raise DataError(f"seed must be whole numbers >= 0, not {seed}")
    return np.random.default_rng([*entropy, label])


def _with_companions(
    scene: Image.Image, rng: np.random.Generator, label: int, light: float
) -> Image.Image:
    """Add one or two smaller heads of the same class behind, out of focus."""
    size = scene.width
    for _ in range(int(rng.integers(1, 3))):
        center = rng.uniform(0.05, 0.95, 2) * size
        _draw_plant(scene, rng, label, center, size * rng.uniform(0.1, 0.2), light)
    return scene.filter(ImageFilter.BoxBlur(size * rng.uniform(0.003, 0.012)))


def _draw_plant(
    scene: Image.Image,
    rng: np.random.Generator,
    label: int,
    center: np.ndarray,
    radius: float,
    light: float,
) -> None:
    """Draw one head, tilted and turned, with its stem and leaves."""
    draw = ImageDraw.Draw(scene, "RGBA")
    is_upright = CLASS_NAMES[label] == "tulips"
    lean = rng.normal(0, 0.35)
    ground = Pen(draw, center, np.eye(2), light)
    if is_upright or rng.random() < 0.6:
        angle = np.pi / 2 + lean
        start = circle(radius * (0.8 if is_upright else 0.2), [angle])[0]
        width = radius * rng.uniform(0.035, 0.06)
        scenery.stem(ground, rng, start, angle, width, 1.1 * scene.width)
    elif rng.random() < 0.6:
        scenery.collar(ground, rng, radius)
    pose = _turn(lean) if is_upright else _tilt(rng)
    head = Pen(draw, center, pose, light)
    blooms.BLOOMS[CLASS_NAMES[label]](head, rng, radius)


def _turn(angle: float) -> np.ndarray:
    """Rotation matrix (2, 2)."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _tilt(rng: np.random.Generator) -> np.ndarray:
    """Matrix (2, 2) of a flat head seen at a slant, turned at random."""
    axis = rng.uniform(0, np.pi)
    slant = np.diag([1.0, rng.uniform(0.66, 1.0)])
    return _turn(axis) @ slant @ _turn(rng.uniform(0, 2 * np.pi))
