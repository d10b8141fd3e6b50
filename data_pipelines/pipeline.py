"""tf.data pipelines: uint8 (batch, height, width, channels) and int32 labels.

Pixels are 0..255; there are three channels, or one where color="gray".

The batches are those of `batches`, so JAX without TensorFlow gets the same. What
TensorFlow adds is the queue in front of the model, and the dealing out to replicas.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from data_pipelines.arrays import center_images, read_encoded
from data_pipelines.augment import DEFAULT_AUGMENT, Augment
from data_pipelines.batches import TrainBatches, ViewBatches, check_at_least
from data_pipelines.pixels import CHANNELS, check_color
from data_pipelines.shards.manifest import Manifest

_PREFETCHED = 2  # batches made ahead: one to be taken, one in the making


def make_train(
    manifest: Manifest,
    *,
    image_size: int,
    batch_size: int,
    seed: int,
    augment: Augment | None = DEFAULT_AUGMENT,
    start_step: int = 0,
    **options: Any,
) -> tf.data.Dataset:
    """Returns endless, shuffled, augmented batches of the training split.

    Args:
        manifest: What `prepare` returned.
        image_size: Side of the images in pixels.
        batch_size: Images per step, over all hosts and replicas.
        seed: Of order and augmentation.
        augment: The policy; None for the center crop. With mixup or cutmix the labels
            are float32 (batch, classes).
        start_step: Number of batches to leave out at the beginning, at no cost.
        **options: window, host, cache_bytes and color as for `TrainBatches`.

    Raises:
        DataError: an argument out of its range, or a shard that is damaged. What is
            damaged later raises a `tf.errors.OpError` that holds the same line.
    """
    batches = TrainBatches(
        manifest,
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        augment=augment,
        **options,
    )
    check_at_least(0, start_step=start_step)
    # Endless: an epoch is a number of steps, so no short batch is ever seen, which
    # some replica would get nothing of.
    return as_dataset(batches, tf.data.Dataset.counter(start_step))


def make_eval(
    manifest: Manifest,
    *,
    split: str,
    image_size: int,
    batch_size: int,
    **options: Any,
) -> tf.data.Dataset:
    """Returns every example of a split once, in stored order, without augmentation.

    The last batch may be smaller: no example is left out of a score.

    Args:
        manifest: What `prepare` returned.
        split: "train", "validation" or "test".
        image_size: Side of the images in pixels.
        batch_size: Images per step, on this host.
        **options: host, cache_bytes and color as for `ViewBatches`.

    Raises:
        DataError: an unknown or empty split, an argument out of its range, or a damaged
            shard.
    """
    batches = ViewBatches(
        manifest, split, image_size=image_size, batch_size=batch_size, **options
    )
    return as_dataset(batches, tf.data.Dataset.range(len(batches)))


def make_view(
    manifest: Manifest,
    *,
    split: str,
    image_size: int,
    batch_size: int,
    seed: int,
    view: int,
    augment: Augment | None = DEFAULT_AUGMENT,
    **options: Any,
) -> tf.data.Dataset:
    """Returns view number `view` of every example of a split, once, in stored order.

    View 0 is the center crop; another view is augmented by (seed, view, position).

    Raises:
        DataError: as `make_eval`.
    """
    return make_eval(
        manifest,
        split=split,
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        view=view,
        augment=augment,
        **options,
    )


def make_predict(
    items: Sequence[str | Path | bytes],
    *,
    image_size: int,
    batch_size: int,
    color: str = "rgb",
) -> tf.data.Dataset:
    """Returns uint8 (batch, height, width, channels) of image files or encoded images.

    Any format that `prepare` takes, in the order given; the last batch may be smaller.

    Raises:
        DataError: nothing given, a size below 1, an unknown color, or an item that is
            no good image.
    """
    check_at_least(1, image_size=image_size, batch_size=batch_size)
    check_color(color)
    encoded = read_encoded(items)

    def load(step: np.ndarray) -> np.ndarray:
        start = int(step) * batch_size
        some = encoded[start : start + batch_size]
        return center_images(some, image_size, start, color=color)

    spec = tf.TensorSpec((None, image_size, image_size, CHANNELS[color]), tf.uint8)
    steps = tf.data.Dataset.range(-(-len(encoded) // batch_size))
    return _make_batches(steps, load, spec)


def as_dataset(
    batches: TrainBatches | ViewBatches, steps: tf.data.Dataset
) -> tf.data.Dataset:
    """Returns the batches whose numbers `steps` (int64) gives, as a tf.data.Dataset."""
    # Fixed where no batch is short: TPUs compile for one shape.
    rows = batches.batch_size if batches.num_batches is None else None
    label_type = tf.float32 if batches.label_shape else tf.int32
    spec = (
        tf.TensorSpec((rows, *batches.image_shape), tf.uint8),
        tf.TensorSpec((rows, *batches.label_shape), label_type),
    )
    return _make_batches(steps, lambda step: batches[int(step)], spec)


def _make_batches(
    steps: tf.data.Dataset, load: Callable[[np.ndarray], Any], spec: Any
) -> tf.data.Dataset:
    """The order of the stages, the same for every pipeline, with their reasons."""
    parts = tf.nest.flatten(spec)

    def make(step: tf.Tensor) -> Any:
        types = [part.dtype for part in parts]
        made = tf.nest.flatten(tf.numpy_function(load, [step], types, stateful=False))
        shaped = [
            tf.ensure_shape(tensor, part.shape)
            for tensor, part in zip(made, parts, strict=True)
        ]
        return tf.nest.pack_sequence_as(spec, shaped)

    options = tf.data.Options()
    # There are no files to share among workers: each takes every n-th element.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    # One stage does the work, so there is nothing to weigh; with tuning on, some runs
    # stood still for about 40 s between two passes over the data.
    options.autotune.enabled = False
    return (
        # The steps come first: whatever is left out before costs nothing.
        # Decoding is the work: all cores, a batch each, results in order.
        steps.map(make, num_parallel_calls=os.cpu_count() or 1, deterministic=True)
        # Last: the next batch is made while the model computes on this one.
        .prefetch(_PREFETCHED)
        .with_options(options)
    )
