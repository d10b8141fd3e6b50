"""Smooth random fields: clouds, soil, uneven light."""

from __future__ import annotations

import numpy as np
from PIL import Image

Rng = np.random.Generator


def cloud(rng: Rng, size: int, cells: int) -> np.ndarray:
    """Smooth random field (size, size), about -1..1, with bumps of size / cells."""
    grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    image = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image)


def ramp(rng: Rng, size: int) -> np.ndarray:
    """Straight ramp 0..1 over (size, size) in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-0.5, 0.5, size)
    return 0.5 + np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None]
