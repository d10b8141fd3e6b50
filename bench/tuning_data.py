"""Arrays to train small heads on: features of flower photos, and MNIST.

Three parts each: to train on, to validate on (what a search sees), and others, which no
search sees and which say whether a choice holds.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NETWORK, IMAGE_SIZE = "efficientnet_lite0", 224
_COMPONENTS = 256
_DIGITS = 3_000


@dataclass(frozen=True)
class Part:
    """Inputs float32 (N, D) and labels int (N,), 0..C-1."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Data:
    """The three parts and the number of classes."""

    train: Part
    validation: Part
    others: Part
    num_classes: int


def flowers() -> Data:
    """Returns pooled EfficientNet-Lite0 features of the photos, float32 (N, 256).

    2,727 photos to train on, 367 to validate on, 776 others where the folder is that of
    results/README.md. Components are the principal ones of the training part; few of
    them, so that an epoch of any head costs a fraction of a second.
    """
    from data_pipelines import ViewBatches
    from kerastpu import config, datasets, features, models

    manifest = datasets.prepare(config.Config(data="flowers"))
    shape = (IMAGE_SIZE, IMAGE_SIZE, 3)
    front = models.build(
        NETWORK,
        input_shape=shape,
        include_top=False,
        weights="imagenet",
        pooling="avg",
    )
    views = [
        features.View(
            f"{split}-view-0",
            ViewBatches(
                manifest,
                split,
                image_size=IMAGE_SIZE,
                batch_size=features.BATCH_SIZE,
            ),
        )
        for split in ("train", "validation", "test")
    ]
    pixels = {
        "shards": [
            shard.sha256 for split in manifest.splits.values() for shard in split.shards
        ],
        "image_size": IMAGE_SIZE,
    }
    kept = features.keep(front, views, images=pixels)
    rows = _principal(kept.arrays)
    labels = [np.asarray(view.batches.labels) for view in views]
    parts = [Part(*pair) for pair in zip(rows, labels, strict=True)]
    return Data(*parts, len(manifest.class_names))


def _principal(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Projects arrays (N_i, D) on the first's principal components, mean variance 1."""
    mean = arrays[0].mean(axis=0)
    _, _, axes = np.linalg.svd(arrays[0] - mean, full_matrices=False)
    projected = [(rows - mean) @ axes[:_COMPONENTS].T for rows in arrays]
    scale = np.sqrt(projected[0].var(axis=0).mean())
    return [rows / scale for rows in projected]


def digits() -> Data:
    """Returns MNIST at half its size, (N, 196), 0..1: pixels are means of four.

    The first 3,000 digits to train on, the next 3,000 to validate on; the others are
    the first 3,000 of its test file.
    """
    path = Path(os.environ["KERASTPU_DATA"]) / "mnist" / "mnist.npz"
    with np.load(path) as arrays:
        count = _DIGITS
        parts = [
            _digits(arrays, "train", slice(0, count)),
            _digits(arrays, "train", slice(count, 2 * count)),
            _digits(arrays, "test", slice(0, count)),
        ]
    return Data(*parts, 10)


def _digits(arrays: Mapping[str, np.ndarray], split: str, rows: slice) -> Part:
    images = arrays[f"x_{split}"][rows].astype(np.float32) / 255
    pooled = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return Part(pooled.reshape(-1, 196), arrays[f"y_{split}"][rows].astype(np.int32))


DATA = {"flowers": flowers, "mnist": digits}
