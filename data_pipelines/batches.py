"""Batches by number, in NumPy: what every backend trains and is scored on.

`batches[step]` is a pure function of its arguments and `step`. A batch is made by one
thread, several batches by several threads: OpenCV lets them run side by side.
"""

import collections
import numbers
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from data_pipelines import augment as augmentation
from data_pipelines import order, pixels
from data_pipelines.augment import DEFAULT_AUGMENT, Augment
from data_pipelines.errors import DataError
from data_pipelines.loading import Images
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.reader import Table

Batch = tuple[np.ndarray, np.ndarray]

_AHEAD = 2  # batches ready beyond those in the making


class TrainBatches:
    """Endless shuffled, augmented, full batches of the training split.

    Every N consecutive examples hold each of the N examples once, in an order of their
    own. The batch may span two epochs, so none is ever short.

    Args:
        manifest: What `prepare` returned.
        image_size: Side of the images in pixels.
        batch_size: Images per step, over all hosts and replicas.
        seed: Of order and augmentation, at least 0.
        augment: The policy; None for the center crop. With mixup or cutmix the labels
            become distributions, float32 (B, classes).
        window: None for exact order; else see `order.epoch_order`.
        host: This host's number and the number of hosts: each makes its part of every
            batch, `batch_size` / hosts images; the parts together are the batch.
        cache_bytes: See `Images`.
        color: "rgb", three channels, or "gray", one.

    Attributes:
        num_examples: N.
        image_shape: Of one image: (image_size, image_size, channels).
        batch_size: Images that this host makes per step.
        label_shape: Of one label: () for integers, (classes,) for distributions.

    Raises:
        DataError: an argument out of its range, or a shard that is damaged.
    """

    num_batches = None  # endless

    def __init__(
        self,
        manifest: Manifest,
        *,
        image_size: int,
        batch_size: int,
        seed: int,
        augment: Augment | None = DEFAULT_AUGMENT,
        window: int | None = None,
        host: tuple[int, int] = (0, 1),
        cache_bytes: int = 0,
        color: str = "rgb",
    ):
        check_at_least(1, image_size=image_size, batch_size=batch_size)
        check_at_least(0, seed=seed, cache_bytes=cache_bytes)
        pixels.check_color(color)
        if window is not None:
            check_at_least(1, window=window)
        number, num_hosts = host
        if not 0 <= number < num_hosts or batch_size % num_hosts:
            raise DataError(
                f"host must be (number, hosts) with number < hosts and batch_size a "
                f"multiple of hosts; got {host} and batch_size {batch_size}"
            )
        self._images = Images(Table(manifest, "train"), image_size, cache_bytes, color)
        self.image_shape = self._images.shape
        self.num_examples = len(self._images.table)
        self._num_classes = len(manifest.class_names)
        self._seed, self._augment, self._window = seed, augment, window
        self.batch_size, self._global_batch = batch_size // num_hosts, batch_size
        self._first = number * self.batch_size
        self.label_shape: tuple[int, ...] = ()
        if augment is not None and augment.is_mixing:
            self.label_shape = (self._num_classes,)

    def __getitem__(self, step: int) -> Batch:
        if step < 0:
            raise IndexError(step)
        start = step * self._global_batch + self._first
        numbers = np.arange(start, start + self.batch_size)
        labels = self._images.table.labels
        chosen = order.indices(numbers, len(labels), self._seed, self._window)
        images = self._images.load(chosen, numbers, self._seed, self._augment)
        if self._augment is None or not self._augment.is_mixing:
            return images, labels[chosen]
        return augmentation.mix_batch(
            images,
            labels[chosen],
            self._num_classes,
            self._augment,
            order.mixing_rng(self._seed, start),
        )


class ViewBatches:
    """Every example of a split once, in stored order; the last batch may be smaller.

    Args:
        manifest: What `prepare` returned.
        split: "train", "validation" or "test".
        image_size: Side of the images in pixels.
        batch_size: Images per step, on this host.
        seed: Of the augmentation, at least 0.
        view: 0 for the center crop; another view is augmented by (seed, view, position)
            without mixing.
        augment: The policy for views other than 0.
        host: This host's number and the number of hosts: each has its own part of the
            split; the parts together are the split.
        cache_bytes: See `Images`.
        color: "rgb", three channels, or "gray", one.

    Attributes:
        num_examples: On this host.
        image_shape: Of one image: (image_size, image_size, channels).
        num_batches: On this host.
        labels: int32 (num_examples,), of all batches, without reading an image.

    Raises:
        DataError: an unknown or empty split, an argument out of its range, or a shard
            that is damaged.
    """

    label_shape: tuple[int, ...] = ()

    def __init__(
        self,
        manifest: Manifest,
        split: str,
        *,
        image_size: int,
        batch_size: int,
        seed: int = 0,
        view: int = 0,
        augment: Augment | None = DEFAULT_AUGMENT,
        host: tuple[int, int] = (0, 1),
        cache_bytes: int = 0,
        color: str = "rgb",
    ):
        check_at_least(1, image_size=image_size, batch_size=batch_size)
        check_at_least(0, seed=seed, view=view, cache_bytes=cache_bytes)
        pixels.check_color(color)
        number, num_hosts = host
        if not 0 <= number < num_hosts:
            raise DataError(f"host must be (number, hosts), number < hosts; got {host}")
        self._images = Images(Table(manifest, split), image_size, cache_bytes, color)
        self.image_shape = self._images.shape
        count = len(self._images.table)
        self._start, self._stop = (count * n // num_hosts for n in (number, number + 1))
        self._seed, self._view = seed, view
        self._augment = augment if view else None
        self.batch_size = batch_size
        self.num_examples = self._stop - self._start
        self.num_batches = -(-self.num_examples // batch_size)
        self.labels = self._images.table.labels[self._start : self._stop]

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, step: int) -> Batch:
        if not 0 <= step < self.num_batches:
            raise IndexError(step)
        start = self._start + step * self.batch_size
        positions = np.arange(start, min(start + self.batch_size, self._stop))
        labels = self._images.table.labels
        # Views follow one another like the epochs of a stream.
        numbers = positions + self._view * len(labels)
        images = self._images.load(positions, numbers, self._seed, self._augment)
        return images, labels[positions]

    def __iter__(self) -> Iterator[Batch]:
        """Yields all batches in order, made by threads."""
        return in_threads(self, range(self.num_batches))


def in_threads(
    batches: TrainBatches | ViewBatches, steps: Iterable[int]
) -> Iterator[Batch]:
    """Yields batches[step] for every step, in order, made by a thread for each core."""
    threads = os.cpu_count() or 1
    pending: collections.deque[Future[Batch]] = collections.deque()
    with ThreadPoolExecutor(threads) as pool:
        for step in steps:
            pending.append(pool.submit(batches.__getitem__, step))
            if len(pending) > threads + _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def check_at_least(lowest: int, **values: int) -> None:
    """Raises DataError for the first argument that is below `lowest`, by its name."""
    for name, value in values.items():
        if not isinstance(value, numbers.Integral):
            raise DataError(f"{name} must be a whole number; got {value!r}")
        if value < lowest:
            raise DataError(f"{name} must be >= {lowest}; got {value}")
