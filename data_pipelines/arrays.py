"""Whole splits and image files as NumPy arrays; TensorFlow is never imported."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from data_pipelines import pixels
from data_pipelines.augment import DEFAULT_AUGMENT, Augment
from data_pipelines.batches import ViewBatches, check_at_least
from data_pipelines.errors import DataError
from data_pipelines.images.normalize import normalize, read_file
from data_pipelines.shards.manifest import Manifest

_CHUNK = 64  # images made by one thread at a time


def as_arrays(
    manifest: Manifest,
    split: str,
    image_size: int,
    *,
    seed: int = 0,
    view: int = 0,
    augment: Augment | None = DEFAULT_AUGMENT,
    color: str = "rgb",
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images and labels of a split, in stored order.

    Args:
        manifest: What `prepare` returned.
        split: "train", "validation" or "test".
        image_size: Side of the images in pixels.
        seed: Of the augmentation.
        view: 0 for the center crop; another number for that augmented view, a pure
            function of (seed, view, position).
        augment: The policy for views other than 0.
        color: "rgb", three channels, or "gray", one.

    Returns:
        uint8 (N, image_size, image_size, channels), 0..255, and int32 (N,).

    Raises:
        DataError: an unknown split or color, an empty split, a size below 1, or a
            damaged shard.
    """
    batches = ViewBatches(
        manifest,
        split,
        image_size=image_size,
        batch_size=_CHUNK,
        seed=seed,
        view=view,
        augment=augment,
        color=color,
    )
    shape = (batches.num_examples, *batches.image_shape)
    images, labels = np.empty(shape, np.uint8), np.empty(shape[:1], np.int32)
    for step, (some, some_labels) in enumerate(batches):
        start = step * _CHUNK
        images[start : start + len(some)] = some
        labels[start : start + len(some)] = some_labels
    return images, labels


def read_images(
    items: Sequence[str | Path | bytes], image_size: int, *, color: str = "rgb"
) -> np.ndarray:
    """Returns image files or encoded images as uint8 (N, image_size, image_size, C).

    `color` is "rgb", C = 3, or "gray", C = 1.

    Raises:
        DataError: nothing given, a size below 1, an unknown color, or an item that is
            no good image.
    """
    check_at_least(1, image_size=image_size)
    pixels.check_color(color)
    encoded = read_encoded(items)

    def load(start: int) -> np.ndarray:
        some = encoded[start : start + _CHUNK]
        return center_images(some, image_size, start, color=color)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(load, range(0, len(encoded), _CHUNK))))


def center_images(
    encoded: Sequence[bytes], image_size: int, start: int = 0, *, color: str = "rgb"
) -> np.ndarray:
    """Returns the center crops of JPEG or PNG bytes, uint8 (N, size, size, channels).

    Args:
        encoded: What `read_encoded` returned, or a part of it.
        image_size: Side of the result in pixels.
        start: What errors call the first image.
        color: "rgb", three channels, or "gray", one.

    Raises:
        DataError: an image does not decode.
    """
    images = np.empty((len(encoded), image_size, image_size, 3), np.uint8)
    for position, data in enumerate(encoded):
        image = pixels.decode(data, f"image {start + position}")
        pixels.center_image(image, image_size, images[position])
    return pixels.to_color(images, color)


def read_encoded(items: Sequence[str | Path | bytes]) -> list[bytes]:
    """Returns image files or encoded images as JPEG or 8-bit PNG bytes.

    Raises:
        DataError: nothing given, or an item that is no good image, by its name.
    """
    if isinstance(items, str | bytes | Path):
        raise DataError(f"items must be a sequence of paths or bytes; got {items!r}")
    if not len(items):
        raise DataError("no images given; at least 1 is needed")

    def read(numbered: tuple[int, str | Path | bytes]) -> bytes:
        number, item = numbered
        if isinstance(item, bytes):
            return normalize(item, f"image {number}").data
        return normalize(read_file(Path(item), str(item)), str(item)).data

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(read, enumerate(items)))
