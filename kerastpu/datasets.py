"""From a config to shards and batches: tf.data for TensorFlow, else a PyDataset."""

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import data_pipelines
from data_pipelines import Fractions, Manifest, Source, TrainBatches
from data_pipelines.batches import Batch
from data_pipelines.order import WINDOW
from data_pipelines.shards.manifest import DATA_VERSION, SCHEMA_VERSION
from kerastpu.config import Config
from kerastpu.progress import progress
from kerastpu.shard_cache import shards_root

LOG = logging.getLogger("kerastpu")


def prepare(
    config: Config, *, source: Source | None = None, data: str | None = None
) -> Manifest:
    """Returns verified shards of the images, written now or found in the cache.

    Args:
        config: fractions of the splits, bad files, the control of shuffled labels.
        source: the images; None = those that `data` names.
        data: what `--data` takes; None = what the config says.

    Raises:
        DataError: images that cannot be used.
    """
    if source is None:
        with progress("draw flowers") as update:  # only where they must be drawn
            source = data_pipelines.open_source(data or config.data, progress=update)
    if config.input.shuffle_labels:
        source = shuffle_labels(source, config.seed)
    for note in source.notes:
        LOG.warning("data: %s", note)
    inputs = config.input
    with progress("prepare shards") as update:
        manifest = data_pipelines.prepare(
            source,
            shards_dir(source, config),
            fractions=Fractions(inputs.validation_fraction, inputs.test_fraction),
            skip_bad=inputs.skip_bad,
            progress=update,
        )
    try:
        data_pipelines.verify(manifest)
    except data_pipelines.DataError as error:
        raise data_pipelines.DataError(
            f"{error}; remove {manifest.directory} to have the shards written anew"
        ) from error
    counts = ", ".join(
        f"{split} {manifest.num_examples(split)}" for split in manifest.splits
    )
    LOG.info(
        "data: %s, %d classes, %s images", source.name, len(source.class_names), counts
    )
    _tell(manifest)
    return manifest


def _tell(manifest: Manifest) -> None:
    """Warns of what a reader of the scores should know."""
    for note in manifest.notes:
        LOG.warning("data: %s", note)
    listed = manifest.directory / "manifest.json"
    if manifest.skipped:
        LOG.warning(
            "data: %d files left out, listed in %s", len(manifest.skipped), listed
        )
    if manifest.duplicates:
        conflicts = sum(group.is_conflict for group in manifest.duplicates)
        leaks = sum(group.is_leak for group in manifest.duplicates)
        LOG.warning(
            "data: %d images occur more than once, %d of them in several classes, "
            "%d in several splits; listed in %s",
            len(manifest.duplicates),
            conflicts,
            leaks,
            listed,
        )


def shuffle_labels(source: Source, seed: int) -> Source:
    """Returns the same images with their labels dealt out anew, all splits alike.

    A model that scores above chance on them has seen test images in training.
    """
    order = np.random.default_rng(seed).permutation(len(source.examples))
    examples = tuple(
        dataclasses.replace(example, label=source.examples[other].label)
        for example, other in zip(source.examples, order, strict=True)
    )
    return dataclasses.replace(
        source,
        name=f"{source.name} (labels shuffled)",
        examples=examples,
        fingerprint=data_pipelines.fingerprint(source.fingerprint, "shuffled", seed),
        notes=(*source.notes, "labels are shuffled: scores must be at chance"),
    )


def shards_dir(source: Source, config: Config) -> Path:
    """Returns the cache folder of these images' shards under this config's splits."""
    inputs = config.input
    split = f"{inputs.test_fraction!r}-{inputs.validation_fraction!r}"
    name = "".join(c if c.isalnum() else "-" for c in source.name)[-40:]
    skipped = "-skip" if inputs.skip_bad else ""
    version = f"v{SCHEMA_VERSION}.{DATA_VERSION}"
    folder = f"{name}-{source.fingerprint[:16]}-{split}{skipped}-{version}"
    return shards_root() / folder


def facts(manifest: Manifest) -> dict[str, Any]:
    """Returns what a run records of its data, ready for `json`."""
    return {
        **manifest.source,
        "class_names": list(manifest.class_names),
        "counts": {split: manifest.num_examples(split) for split in manifest.splits},
        "class_counts": {
            split: list(manifest.class_counts(split)) for split in manifest.splits
        },
        "content_sha256": manifest.content_sha256,
        "duplicates": len(manifest.duplicates),
        "skipped": list(manifest.skipped),
        "split_notes": list(manifest.notes),
    }


def train_batches(
    manifest: Manifest, config: Config, batch_size: int, *, start_step: int = 0
) -> Any:
    """Returns what `keras.Model.fit` takes: shuffled, augmented, full batches.

    Args:
        manifest: the shards.
        config: image size, color, seed, augmentation, order and cache.
        batch_size: global batch.
        start_step: batches to leave out at the beginning, at no cost.

    Returns:
        Endless batches of uint8 (B, image_size, image_size, channels) and int32 labels
        (B,), or float32 (B, classes) with mixup or cutmix; the same on every backend.
    """
    import keras  # here, for the backend is chosen before Keras is first imported

    inputs = config.input
    options: dict[str, Any] = {
        "image_size": inputs.image_size,
        "batch_size": batch_size,
        "seed": config.seed,
        "augment": inputs.augment,
        "window": WINDOW if inputs.order == "window" else None,
        "cache_bytes": inputs.cache_mib * 2**20,
        "color": inputs.color,
    }
    if keras.backend.backend() == "tensorflow":
        return data_pipelines.make_train(manifest, start_step=start_step, **options)
    from kerastpu.feeding import StepBatches

    return StepBatches(TrainBatches(manifest, **options), start_step)


def read_batches(
    paths: Sequence[str | Path], image_size: int, batch_size: int, color: str = "rgb"
) -> Iterator[Batch]:
    """Reads image files the way that a run's images are read.

    Yields:
        Batches of uint8 (B, image_size, image_size, channels), each with labels of 0,
        which stand for "not known".

    Raises:
        DataError: a file is missing or is not a readable image; names it.
    """
    encoded = data_pipelines.read_encoded(paths)
    for start in range(0, len(encoded), batch_size):
        images = data_pipelines.center_images(
            encoded[start : start + batch_size], image_size, start, color=color
        )
        yield images, np.zeros(len(images), np.int32)
