"""What each image of a source is like, in few bytes: all are read once, in threads."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from data_pipelines.errors import DataError
from data_pipelines.images.headers import identify
from data_pipelines.images.normalize import decode_rgb
from data_pipelines.inspection import likeness
from data_pipelines.shards.parallel import map_ordered
from data_pipelines.sources.source import Example


class Measured(NamedTuple):
    """A good image; the first five fields are what `likeness` needs.

    Attributes:
        name: Unique name.
        label: Class number.
        digest: sha256 of the encoded bytes.
        split: As in `Example`.
        descriptor: As `likeness.describe` returns.
        format: As `headers.identify` returns.
        height: Of the upright image, in pixels.
        width: Of the upright image, in pixels.
        num_bytes: Of the encoded image.
        is_gray: Whether the three channels are equal.
    """

    name: str
    label: int
    digest: bytes
    split: str | None
    descriptor: bytes
    format: str
    height: int
    width: int
    num_bytes: int
    is_gray: bool


def measure_all(
    examples: Sequence[Example], progress: Callable[[int, int], None] | None = None
) -> tuple[list[Measured], list[str], np.ndarray]:
    """Returns every good image measured, one line per bad one, and sums of pixels.

    Args:
        examples: What to read.
        progress: Called with (images done, images in all).

    Returns:
        The third is float64 (2, 3): over all pixels, the sums of the values 0..255 of
        each channel and of their squares.
    """
    measured, bad, sums = [], [], np.zeros((2, 3))
    for done, result in enumerate(map_ordered(_measure, examples), start=1):
        if isinstance(result, DataError):
            bad.append(str(result))
        else:
            measured.append(result[0])
            sums += result[1]
        if progress is not None:
            progress(done, len(examples))
    return measured, bad, sums


def _measure(example: Example) -> tuple[Measured, np.ndarray] | DataError:
    """Returns an image's measures and its sums of pixels, or what is wrong with it."""
    try:
        data = example.read()
        pixels = np.asarray(decode_rgb(data, example.name))
    except DataError as error:
        return error
    red, green, blue = np.moveaxis(pixels, 2, 0)
    measured = Measured(
        name=example.name,
        label=example.label,
        digest=hashlib.sha256(data).digest(),
        split=example.split,
        descriptor=likeness.describe(pixels),
        format=identify(data) or "unknown",
        height=pixels.shape[0],
        width=pixels.shape[1],
        num_bytes=len(data),
        is_gray=np.array_equal(red, green) and np.array_equal(green, blue),
    )
    means, deviations = (part[:, 0] for part in cv2.meanStdDev(pixels))
    return measured, np.stack([means, means**2 + deviations**2]) * red.size
