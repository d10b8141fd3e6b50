"""Whole splits as NumPy arrays with Pillow alone: TensorFlow is never imported."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from data_pipelines.augment import Augment, augment_image
from data_pipelines.errors import DataError
from data_pipelines.images import decode_rgb, normalize, read_file
from data_pipelines.manifest import Manifest
from data_pipelines.reader import read_split
from data_pipelines.resize import fill_resize_center_crop


def load_arrays(
    manifest: Manifest,
    split: str,
    image_size: int,
    *,
    seed: int = 0,
    view: int = 0,
    augment: Augment | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images and labels of a split, in stored order.

    Args:
        manifest: What `prepare` returned.
        split: "train", "validation" or "test".
        image_size: Side of the images in pixels.
        seed: Of the augmentation.
        view: 0 for the center crop; another number for that augmented view, a pure
            function of (seed, view, position).
        augment: The policy for views other than 0; geometric operations only.

    Returns:
        uint8 (N, image_size, image_size, 3), 0..255, and int32 (N,).

    Raises:
        DataError: an unknown or empty split, a size below 1, a policy with color
            operations, or a damaged shard.
    """
    if augment is not None:
        augment.require_geometric()
    table = read_split(manifest, split)

    def load(position: int) -> np.ndarray:
        image = decode_rgb(table.images[position], table.names[position])
        if augment is None or view == 0:
            return np.asarray(fill_resize_center_crop(image, image_size))
        rng = np.random.default_rng([seed, view, position])
        return np.asarray(augment_image(image, image_size, augment, rng))

    return _stack(load, len(table.images), image_size), table.labels


def read_images(items: Sequence[str | Path | bytes], image_size: int) -> np.ndarray:
    """Returns image files or encoded images as uint8 (N, image_size, image_size, 3).

    Raises:
        DataError: nothing given, a size below 1, or an item that is no good image.
    """
    encoded = read_encoded(items)

    def load(position: int) -> np.ndarray:
        image = decode_rgb(encoded[position], f"image {position}")
        return np.asarray(fill_resize_center_crop(image, image_size))

    return _stack(load, len(encoded), image_size)


def read_encoded(items: Sequence[str | Path | bytes]) -> list[bytes]:
    """Returns image files or encoded images as JPEG or 8-bit PNG bytes.

    Raises:
        DataError: nothing given, or an item that is no good image, by its name.
    """
    if not len(items):
        raise DataError("no images given; at least 1 is needed")

    def read(numbered: tuple[int, str | Path | bytes]) -> bytes:
        number, item = numbered
        if isinstance(item, bytes):
            return normalize(item, f"image {number}").data
        return normalize(read_file(Path(item), str(item)), str(item)).data

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(read, enumerate(items)))


def _stack(load: Callable[[int], np.ndarray], count: int, size: int) -> np.ndarray:
    if size < 1:
        raise DataError(f"image_size must be >= 1; got {size}")
    images = np.empty((count, size, size, 3), np.uint8)

    def fill(position: int) -> None:
        images[position] = load(position)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(count)))  # the list raises what a thread raised
    return images
