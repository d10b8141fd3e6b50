"""Images that look the same though their bytes differ: resized, saved again, a burst.

A picture is shrunk to 8 x 8 gray means; two look alike when these 64 numbers correlate
by at least `MIN_CORRELATION`. Size, file format, compression, brightness and contrast
hardly matter to that. One matrix product compares all with all: unlike the buckets of a
hash, its time does not depend on the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np

from data_pipelines.shards import splits

SIDE = 8
# Measured on flower photos, Caltech-101 and CIFAR-10: all 15 pairs above it are copies
# or shots of one scene. At least 99 % of JPEG copies of quality 50, of copies of half
# size and of those squeezed to a square are above it, and 92 % of copies 15 % brighter.
MIN_CORRELATION = 0.99
_QUERY_BLOCK, _BLOCK = 512, 2**14  # 32 MiB of correlations at a time


class Pictured(splits.Hashed, Protocol):
    """What the functions here need to know of an image."""

    @property
    def descriptor(self) -> bytes:
        """What `describe` returned."""


T = TypeVar("T", bound=Pictured)


@dataclass(frozen=True)
class LookAlike(splits.Duplicates):
    """Two images that look the same; their bytes differ.

    Attributes:
        correlation: Of their 8 x 8 gray means, `MIN_CORRELATION`..1.
    """

    correlation: float = 1.0


def describe(pixels: np.ndarray) -> bytes:
    """Returns the 8 x 8 gray means, one byte each, of uint8 (height, width, 3) RGB."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA).tobytes()


def find_similar(
    members: Mapping[str, Sequence[T]], class_names: Sequence[str]
) -> tuple[LookAlike, ...]:
    """Returns the images that look like one of another split, the most alike first.

    Each test image is compared with all images for training and validation, each
    validation image with those for training, and is listed with the one most like it.
    Images with the same bytes are those of `splits.find_duplicates`.

    Args:
        members: "train", "validation" and "test" -> their images.
        class_names: Names by class number.
    """
    pairs = []
    compared = {"validation": ("train",), "test": ("train", "validation")}
    for split, others in compared.items():
        rest = [(other, item) for other in others for item in members[other]]
        if not members[split] or not rest:
            continue
        nearest, correlations = find_nearest(
            [item.descriptor for item in members[split]],
            [item.descriptor for _, item in rest],
        )
        for item, position, correlation in zip(
            members[split], nearest, correlations, strict=True
        ):
            other, twin = rest[position]
            if correlation >= MIN_CORRELATION and item.digest != twin.digest:
                pairs.append(
                    LookAlike(
                        (item.name, twin.name),
                        (class_names[item.label], class_names[twin.label]),
                        (split, other),
                        float(min(correlation, 1)),
                    )
                )
    return tuple(sorted(pairs, key=lambda pair: (-pair.correlation, pair.names)))


def find_nearest(
    queries: Sequence[bytes], others: Sequence[bytes]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns, for each query, which of `others` looks most like it and how much so.

    Time grows with the product of the lengths (10,000 by 60,000: 2 s on two cores),
    memory with their sum.

    Args:
        queries: Q descriptors.
        others: N descriptors, at least one.

    Returns:
        int64 (Q,), positions in `others`, and float32 (Q,), correlations in -1..1; a
        picture of one color throughout correlates with none (0).
    """
    left, right = _normalize(queries), _normalize(others)
    nearest = np.zeros(len(left), np.int64)
    best = np.full(len(left), -np.inf, np.float32)
    for start in range(0, len(left), _QUERY_BLOCK):
        rows = slice(start, start + _QUERY_BLOCK)
        for offset in range(0, len(right), _BLOCK):
            scores = left[rows] @ right[offset : offset + _BLOCK].T
            found = scores.argmax(axis=1)
            score = scores[np.arange(len(found)), found]
            is_better = score > best[rows]
            nearest[rows][is_better] = found[is_better] + offset
            best[rows][is_better] = score[is_better]
    return nearest, best


def _normalize(descriptors: Sequence[bytes]) -> np.ndarray:
    """Returns float32 (N, 64) of mean 0 and length 1; flat pictures become zeros."""
    values = np.frombuffer(b"".join(descriptors), np.uint8).reshape(-1, SIDE**2)
    centered = values - values.mean(axis=1, keepdims=True, dtype=np.float32)
    length = np.sqrt(np.square(centered).sum(axis=1, keepdims=True))
    return centered / np.maximum(length, 1)
