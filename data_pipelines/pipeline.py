"""tf.data pipelines: uint8 (batch, height, width, 3) 0..255 and int32 labels.

Which example comes when, and how it is augmented, is computed from its number in the
stream; nothing is hidden in a shuffle buffer. So equal arguments give equal batches,
and a stream can start at any step.

The encoded images of the split are held in memory (about 20 KB per 224-pixel photo).
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from data_pipelines import ops
from data_pipelines.arrays import read_encoded
from data_pipelines.augment import DEFAULT_AUGMENT, Augment
from data_pipelines.errors import DataError
from data_pipelines.manifest import Manifest
from data_pipelines.reader import read_split

_PREFETCHED = 2  # batches made ahead: one to be taken, one in the making


def make_train(
    manifest: Manifest,
    *,
    image_size: int,
    batch_size: int,
    seed: int,
    augment: Augment | None = DEFAULT_AUGMENT,
    start_step: int = 0,
) -> tf.data.Dataset:
    """Returns endless, shuffled, augmented batches of the training split.

    Every `num_examples` consecutive examples hold each example once, in an order of
    their own.

    Args:
        manifest: What `prepare` returned.
        image_size: Side of the images in pixels.
        batch_size: Images per step, over all replicas.
        seed: Of order and augmentation.
        augment: The policy; None for the center crop.
        start_step: Number of batches to leave out at the beginning, at no cost.

    Raises:
        DataError: a size below 1, or a shard that is damaged.
    """
    _check_sizes(image_size, batch_size)
    images, labels = _read_tensors(manifest, "train")
    num_examples = manifest.num_examples("train")

    def load(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        epoch, position = number // num_examples, number % num_examples
        epoch_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
        index = tf.random.experimental.index_shuffle(
            position, epoch_seed, tf.constant(num_examples - 1, tf.int64)
        )
        image = _load_image(images[index], image_size, augment, epoch_seed, index)
        return image, labels[index]

    # Endless: an epoch is a number of steps, so no short batch is ever seen, which
    # some replica would get nothing of.
    numbers = tf.data.Dataset.counter(start_step * batch_size)
    return _make_batches(numbers, load, batch_size, drop_remainder=True)


def make_eval(
    manifest: Manifest, *, split: str, image_size: int, batch_size: int
) -> tf.data.Dataset:
    """Returns every example of a split once, in stored order, without augmentation.

    The last batch may be smaller: no example is left out of a score.

    Raises:
        DataError: an unknown or empty split, a size below 1, or a damaged shard.
    """
    return make_view(
        manifest,
        split=split,
        image_size=image_size,
        batch_size=batch_size,
        seed=0,
        view=0,
        augment=None,
    )


def make_view(
    manifest: Manifest,
    *,
    split: str,
    image_size: int,
    batch_size: int,
    seed: int,
    view: int,
    augment: Augment | None = DEFAULT_AUGMENT,
) -> tf.data.Dataset:
    """Returns view number `view` of every example of a split, once, in stored order.

    View 0 is the center crop; another view is augmented by (seed, view, position).

    Raises:
        DataError: an unknown or empty split, a size below 1, or a damaged shard.
    """
    _check_sizes(image_size, batch_size)
    images, labels = _read_tensors(manifest, split)
    policy = augment if view else None
    view_seed = tf.constant([seed, view], tf.int64)

    def load(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = _load_image(images[position], image_size, policy, view_seed, position)
        return image, labels[position]

    positions = tf.data.Dataset.range(manifest.num_examples(split))
    return _make_batches(positions, load, batch_size, drop_remainder=False)


def make_predict(
    items: Sequence[str | Path | bytes], *, image_size: int, batch_size: int
) -> tf.data.Dataset:
    """Returns uint8 (batch, height, width, 3) of image files or encoded images.

    Any format that `prepare` takes, in the order given; the last batch may be smaller.

    Raises:
        DataError: nothing given, a size below 1, or an item that is no good image.
    """
    _check_sizes(image_size, batch_size)
    with tf.device("CPU:0"):
        images = tf.constant(read_encoded(items), tf.string)

    def load(position: tf.Tensor) -> tf.Tensor:
        return ops.center_image(ops.decode(images[position]), image_size)

    positions = tf.data.Dataset.range(len(items))
    return _make_batches(positions, load, batch_size, drop_remainder=False)


def _check_sizes(image_size: int, batch_size: int) -> None:
    for name, value in (("image_size", image_size), ("batch_size", batch_size)):
        if value < 1:
            raise DataError(f"{name} must be >= 1; got {value}")


def _read_tensors(manifest: Manifest, split: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns string (N,) encoded images and int32 (N,) labels, in host memory."""
    table = read_split(manifest, split)
    with tf.device("CPU:0"):  # tf.data runs on the host, whatever device is default
        return tf.constant(table.images, tf.string), tf.constant(table.labels)


def _load_image(
    data: tf.Tensor,
    size: int,
    augment: Augment | None,
    seed: tf.Tensor,
    position: tf.Tensor,
) -> tf.Tensor:
    image = ops.decode(data)
    if augment is None:
        return ops.center_image(image, size)
    image_seed = tf.random.experimental.stateless_fold_in(seed, position)
    return ops.augment_image(image, size, augment, image_seed)


def _make_batches(
    numbers: tf.data.Dataset,
    load: Callable[[tf.Tensor], object],
    batch_size: int,
    *,
    drop_remainder: bool,
) -> tf.data.Dataset:
    """The order of the stages, the same for every pipeline, with their reasons."""
    options = tf.data.Options()
    # There are no files to share among workers: each takes every n-th element.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    # One stage does the work, so there is nothing to weigh; with tuning on, some runs
    # stood still for about 40 s between two passes over the data.
    options.autotune.enabled = False
    return (
        # Decoding is the work: all cores, results in order (measured: no slower).
        numbers.map(load, num_parallel_calls=os.cpu_count() or 1, deterministic=True)
        # Once all images have one size; of fixed length where shapes must be static.
        .batch(batch_size, drop_remainder=drop_remainder)
        # Last: the next batch is made while the model computes on this one.
        .prefetch(_PREFETCHED)
        .with_options(options)
    )
