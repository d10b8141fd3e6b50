"""The images that exports are checked on, and those that int8 is calibrated on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import data_pipelines
from kerastpu import datasets, scoring
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.export.subject import Subject

BATCH_SIZE = 32
NUM_RANDOM = 64
NUM_CALIBRATION = 128


@dataclass(frozen=True)
class Images:
    """Images of the size that a model takes.

    Attributes:
        description: What they are, for people.
        count: N, how many they are.
        batches: Returns uint8 batches (B, H, W, C) of all images to check on.
        labels: int (N,), positions among the model's outputs; None where not known.
        class_names: In the order of the model's outputs.
        calibrate: Returns uint8 (M, H, W, C) of the training split; None for random
            images, which would calibrate nothing.
        facts: What export.json says of the data.
    """

    description: str
    count: int
    batches: Callable[[], Iterable[np.ndarray]]
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    calibrate: Callable[[], np.ndarray] | None
    facts: dict[str, Any]


def find(subject: Subject, data: str | None) -> Images:
    """Returns the run's test images, those of other data, or random ones.

    Args:
        subject: The model.
        data: What `--data` takes; None = what the run was trained on, and random
            images where there is no run.

    Raises:
        UsageError: the data's classes are not the model's, or the run's own data has
            changed.
        DataError: the data cannot be read.
    """
    if subject.run is None and data is None:
        return _random(subject)
    height, width, _ = subject.image_shape
    if height != width:
        raise UsageError(
            f"--data: images are cropped to squares, and {subject.path} takes "
            f"{height} x {width} pixels; leave --data out"
        )
    if subject.run is not None:
        manifest, columns = scoring.open_images(subject.run, data)
    else:
        manifest = datasets.prepare(Config(data=str(data)))
        columns = _columns(subject, manifest)
    return _of_shards(subject, manifest, columns)


def _columns(subject: Subject, manifest: data_pipelines.Manifest) -> np.ndarray:
    """Returns where each class of the data is among the model's outputs."""
    found = len(manifest.class_names)
    if subject.class_names is not None:
        return scoring.align(subject.class_names, manifest.class_names)
    if found != subject.num_classes:
        raise UsageError(
            f"--data has {found} classes, and {subject.path} has "
            f"{subject.num_classes} outputs"
        )
    return np.arange(found)


def _of_shards(
    subject: Subject, manifest: data_pipelines.Manifest, columns: np.ndarray
) -> Images:
    if not manifest.num_examples("test"):
        raise UsageError(f"{manifest.source['name']} has no test images to check on")

    def view(split: str, batch_size: int) -> data_pipelines.ViewBatches:
        return data_pipelines.ViewBatches(
            manifest,
            split,
            image_size=subject.image_shape[0],
            batch_size=batch_size,
            color=scoring.color(subject.model),
        )

    def calibrate() -> np.ndarray:
        singles = view("train", 1)
        number = min(NUM_CALIBRATION, len(singles))
        steps = np.linspace(0, len(singles) - 1, number).round().astype(int)
        return np.concatenate([singles[step][0] for step in steps.tolist()])

    test = view("test", BATCH_SIZE)
    names = np.empty(len(columns), object)
    names[columns] = manifest.class_names
    has_training = bool(manifest.num_examples("train"))
    return Images(
        description=f"{test.num_examples:,} test images of {manifest.source['name']}",
        count=test.num_examples,
        batches=lambda: (images for images, _ in test),
        labels=columns[test.labels],
        class_names=tuple(names.tolist()),
        calibrate=calibrate if has_training else None,
        facts=datasets.facts(manifest),
    )


def _random(subject: Subject) -> Images:
    """Returns images of noise: good to compare numbers, not to score."""
    shape = (NUM_RANDOM, *subject.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    starts = range(0, NUM_RANDOM, BATCH_SIZE)
    numbered = tuple(str(number) for number in range(subject.num_classes))
    return Images(
        description=f"{NUM_RANDOM} images of random pixels, seed 0: no photos, so that "
        "nothing is said of accuracy",
        count=NUM_RANDOM,
        batches=lambda: (images[start : start + BATCH_SIZE] for start in starts),
        labels=None,
        class_names=subject.class_names or numbered,
        calibrate=None,
        facts={},
    )
