"""What the tests of augmentation share: images to change, and how far apart two are."""

import numpy as np
from drawings import draw
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# From a single pixel on.
TINY_IMAGES = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))
)


def noise(seed: int, height: int = 24, width: int = 20) -> np.ndarray:
    """All colors, no neighborhood: uint8 (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(seed: int, height: int = 40, width: int = 40) -> np.ndarray:
    """A picture that bears interpolation: uint8 (height, width, 3)."""
    return np.asarray(draw(seed, height, width))


def distance(first, second) -> float:
    """The largest difference between two images, in levels."""
    assert np.shape(first) == np.shape(second)
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).max()
