"""Petal colors: every class shares most of its colors with the others."""

import numpy as np

_COLORS = {
    "white": (243, 241, 235),
    "cream": (248, 232, 186),
    "yellow": (250, 208, 40),
    "gold": (243, 168, 24),
    "orange": (240, 120, 34),
    "coral": (238, 116, 100),
    "red": (204, 32, 44),
    "crimson": (142, 20, 44),
    "pink": (240, 146, 176),
    "magenta": (206, 56, 132),
    "lilac": (176, 130, 206),
    "purple": (118, 54, 150),
}

# Weights, not laws of botany: real flowers of each class exist in all these colors,
# and no color belongs to one class alone.
_SHARES = {
    "daisy": {
        "white": 6, "yellow": 4, "pink": 3, "cream": 2, "lilac": 2, "orange": 2,
        "gold": 1, "magenta": 1, "red": 1, "purple": 1,
    },
    "dandelion": {
        "yellow": 7, "gold": 4, "orange": 3, "white": 2, "cream": 2, "pink": 2,
        "coral": 1, "lilac": 1, "red": 1,
    },
    "roses": {
        "red": 4, "pink": 4, "white": 3, "yellow": 3, "crimson": 2, "orange": 2,
        "coral": 2, "cream": 2, "magenta": 1, "lilac": 1, "gold": 1,
    },
    "sunflowers": {
        "yellow": 6, "gold": 4, "orange": 3, "cream": 2, "red": 2, "white": 2,
        "coral": 1, "crimson": 1, "pink": 1, "magenta": 1,
    },
    "tulips": {
        "red": 3, "yellow": 4, "pink": 3, "white": 3, "orange": 2, "purple": 2,
        "magenta": 2, "gold": 1, "coral": 1, "cream": 1, "lilac": 1,
    },
}  # fmt: skip


def pick(rng: np.random.Generator, name: str) -> np.ndarray:
    """Pick a petal color of the class `name`: float RGB (3,), slightly varied."""
    shares = _SHARES[name]
    weights = np.array(list(shares.values()), float)
    color = list(shares)[rng.choice(len(weights), p=weights / weights.sum())]
    return np.clip(np.array(_COLORS[color]) + rng.normal(0, 9, 3), 0, 252)


def green(rng: np.random.Generator) -> np.ndarray:
    """Pick a leaf color between yellow green and blue green: float RGB (3,)."""
    tone = rng.uniform(0, 1)
    color = np.array([110.0, 150, 50]) * (1 - tone) + np.array([44.0, 110, 62]) * tone
    return color * rng.uniform(0.65, 1.15)


def all_colors() -> list[np.ndarray]:
    """List every petal color, float RGB (3,)."""
    return [np.array(color, float) for color in _COLORS.values()]
