"""Images of a split on demand: decoded or kept, cropped, augmented, side by side."""

import math
import threading

import numpy as np

from data_pipelines import augment as augmentation
from data_pipelines import order, pixels
from data_pipelines.augment import Augment
from data_pipelines.shards.reader import Table

_ALIGNMENT = 64  # bytes


class Images:
    """Decoded images of a split, cropped and augmented on demand.

    Args:
        table: The split.
        image_size: Side of the images in pixels, at least 1.
        cache_bytes: Memory that decoded images may be kept in; what does not fit is
            decoded each time.
        color: "rgb" or "gray"; augmentation works on the colors either way.

    Attributes:
        shape: Of one image: (image_size, image_size, channels).
    """

    def __init__(
        self, table: Table, image_size: int, cache_bytes: int = 0, color: str = "rgb"
    ):
        self.table, self.image_size, self._color = table, image_size, color
        self.shape = (image_size, image_size, pixels.CHANNELS[color])
        self._kept: list[np.ndarray | None] = [None] * len(table)
        self._bytes_left, self._lock = cache_bytes, threading.Lock()

    def load(
        self,
        indices: np.ndarray,
        numbers: np.ndarray,
        seed: int,
        policy: Augment | None,
    ) -> np.ndarray:
        """Returns uint8 (B, image_size, image_size, channels), 0..255.

        Args:
            indices: int (B,), the examples.
            numbers: int (B,), their numbers in the stream, which augment them.
            seed: Of the augmentation.
            policy: None for the center crop.
        """
        size = self.image_size
        batch = _empty((len(indices), size, size, 3))
        if policy is None:
            for out, index in zip(batch, indices.tolist(), strict=True):
                pixels.center_image(self._decode(index), size, out)
            return pixels.to_color(batch, self._color)
        drawn = order.draws(numbers, seed, augmentation.num_draws(policy))
        for out, index, row in zip(batch, indices.tolist(), drawn, strict=True):
            augmentation.augment_image(self._decode(index), size, policy, row, out)
        return pixels.to_color(batch, self._color)

    def _decode(self, index: int) -> np.ndarray:
        image = self._kept[index]
        if image is None:
            image = pixels.decode(self.table.read(index), self.table.names[index])
            if self._bytes_left >= image.nbytes:
                self._keep(index, image)
        return image

    def _keep(self, index: int, image: np.ndarray) -> None:
        with self._lock:  # another thread may have been faster
            if self._kept[index] is None and self._bytes_left >= image.nbytes:
                self._kept[index] = image
                self._bytes_left -= image.nbytes


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    """Returns uint8 memory that TensorFlow takes over as it is, without a copy.

    It does so where the first byte lies on a boundary of 64, its alignment for vectors;
    batches from a cache are made 1.3 times as fast for it.
    """
    num_bytes = math.prod(shape)
    memory = np.empty(num_bytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + num_bytes].reshape(shape)
