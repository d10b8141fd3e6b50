"""Images per second by stage of the input pipeline, against decoding alone.

The stages take turns in every round, so that a slow moment of the machine meets all of
them, and medians are told.
"""

import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from data_pipelines import pixels
from data_pipelines.augment import DEFAULT_AUGMENT, Augment
from data_pipelines.batches import TrainBatches, ViewBatches, check_at_least, in_threads
from data_pipelines.errors import DataError
from data_pipelines.images.normalize import identify
from data_pipelines.order import WINDOW
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.reader import Table

if TYPE_CHECKING:
    import tensorflow as tf

LIMIT = "decode only"
_CACHE_BYTES = 2**32
_MOST = 20_000  # images held in memory to be decoded
_CHUNK = 64  # images decoded between two looks at the clock or the queue


@dataclass(frozen=True)
class Rate:
    """How fast a stage is.

    Attributes:
        stage: What is done.
        images_per_second: Median over the rounds.
        low: Slowest round.
        high: Fastest round.
        share: The median as a share of the limit's.
    """

    stage: str
    images_per_second: float
    low: float
    high: float
    share: float

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return asdict(self)


def measure(
    manifest: Manifest,
    *,
    image_size: int,
    batch_size: int = 64,
    augment: Augment = DEFAULT_AUGMENT,
    rounds: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Rate, ...]:
    """Measures the training split of some shards.

    Args:
        manifest: What `prepare` returned.
        image_size: Side of the images in pixels.
        batch_size: Images per step.
        augment: The policy of the training stages.
        rounds: How often each stage runs over the split, at least 1, beside one pass
            that warms up.
        progress: Called with (passes done, passes in all).

    Raises:
        DataError: an argument out of its range, or a damaged shard.
    """
    check_at_least(1, rounds=rounds, image_size=image_size, batch_size=batch_size)
    stages = _stages(manifest, image_size, batch_size, augment)
    return compare(stages, LIMIT, rounds=rounds, progress=progress)


def compare(
    stages: Mapping[str, Callable[[], int]],
    limit: str,
    *,
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Rate, ...]:
    """Measures any passes over the same images, in turns.

    Args:
        stages: Each makes one pass when it is called, and returns its images.
        limit: The stage that the shares are of.
        rounds: How often each runs, at least 1, beside one pass that warms up.
        clock: Returns seconds. `time.process_time` counts the work of this process on
            all cores, which other processes disturb little.
        progress: Called with (passes done, passes in all).

    Returns:
        A rate for every stage, in their order.

    Raises:
        DataError: fewer than 1 round, or `limit` is no stage.
    """
    check_at_least(1, rounds=rounds)
    if limit not in stages:
        raise DataError(f"limit must be one of {', '.join(stages)}; got {limit!r}")
    rates: dict[str, list[float]] = {name: [] for name in stages}
    done, total = 0, (rounds + 1) * len(stages)
    for _ in range(rounds + 1):
        for name, run in stages.items():
            start = clock()
            count = run()
            rates[name].append(count / (clock() - start))
            done += 1
            if progress is not None:
                progress(done, total)
    return _summarize({name: found[1:] for name, found in rates.items()}, limit)


def drain(dataset: "tf.data.Dataset", num_images: int) -> Callable[[], int]:
    """Returns a pass over a dataset for `compare`, at the dataset's own speed.

    Of each element only the first value is handed to Python, many at a time: all of it
    would take longer than some stages.

    Args:
        dataset: Not endless; elements of one or several tensors.
        num_images: In a pass.
    """
    import tensorflow as tf

    def first_value(*parts: "tf.Tensor") -> "tf.Tensor":
        values = tf.reshape(parts[0], [-1])
        return tf.strings.length(values[0]) if values.dtype == tf.string else values[0]

    # TensorFlow makes map and batch one stage that calls for whole batches, past the
    # end too: a batch as large as the pass would cost more than the pass.
    touched = dataset.map(first_value).batch(_CHUNK)

    def run() -> int:
        for _ in touched:
            pass
        return num_images

    return run


def _summarize(rates: dict[str, Sequence[float]], limit: str) -> tuple[Rate, ...]:
    limit_rate = statistics.median(rates[limit])
    return tuple(
        Rate(
            stage=name,
            images_per_second=statistics.median(found),
            low=min(found),
            high=max(found),
            share=statistics.median(found) / limit_rate,
        )
        for name, found in rates.items()
    )


def _stages(
    manifest: Manifest, image_size: int, batch_size: int, augment: Augment
) -> dict[str, Callable[[], int]]:
    """Returns what is measured; each runs once over the split and counts its images."""
    table = Table(manifest, "train")
    sizes: dict[str, Any] = {"image_size": image_size, "batch_size": batch_size}
    training = {**sizes, "seed": 0, "augment": augment}
    return {
        "read the shards": lambda: _read(table),
        LIMIT: decoder(table),
        "evaluation": _pass(ViewBatches(manifest, "train", **sizes)),
        "training": _pass(TrainBatches(manifest, **training)),
        "training, window order": _pass(
            TrainBatches(manifest, **training, window=WINDOW)
        ),
        "training, decoded before": _pass(
            TrainBatches(manifest, **training, cache_bytes=_CACHE_BYTES)
        ),
    }


def _read(table: Table) -> int:
    for index in range(len(table)):
        table.read(index)
    return len(table)


def _pass(batches: TrainBatches | ViewBatches) -> Callable[[], int]:
    """Returns a pass over all batches, through tf.data where TensorFlow is."""
    num_batches = batches.num_batches
    if num_batches is None:  # as near to a pass as whole batches come
        num_batches = max(1, batches.num_examples // batches.batch_size)
    if not importlib.util.find_spec("tensorflow"):
        return lambda: _count(in_threads(batches, range(num_batches)))
    import tensorflow as tf

    from data_pipelines.pipeline import as_dataset

    dataset = as_dataset(batches, tf.data.Dataset.range(num_batches))
    return lambda: _count(dataset)


def _count(made: Iterable) -> int:
    return sum(len(labels) for _, labels in made)


def decoder(table: Table) -> Callable[[], int]:
    """Returns a pass that decodes and does nothing else, as fast as is known.

    TensorFlow's decoder with its fastest DCT in tf.data where it is installed and all
    images are JPEG, else OpenCV's in threads.
    """
    encoded = [table.read(index) for index in range(min(len(table), _MOST))]
    is_jpeg = all(identify(data) == "JPEG" for data in encoded)
    if is_jpeg and importlib.util.find_spec("tensorflow"):
        return _tensorflow_decoder(encoded)

    def run() -> int:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return sum(pool.map(decode, range(0, len(encoded), _CHUNK)))

    def decode(start: int) -> int:
        chunk = encoded[start : start + _CHUNK]
        for index, data in enumerate(chunk, start):
            pixels.decode(data, table.names[index])
        return len(chunk)

    return run


def _tensorflow_decoder(encoded: Sequence[bytes]) -> Callable[[], int]:
    import tensorflow as tf

    with tf.device("CPU:0"):
        stored = tf.constant(encoded)
    threads = os.cpu_count() or 1

    def decode(index: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_jpeg(stored[index], channels=3, dct_method="INTEGER_FAST")
        return image[0, 0, 0]  # one value, so that nothing is copied

    dataset = tf.data.Dataset.range(len(encoded))
    dataset = dataset.map(decode, num_parallel_calls=threads, deterministic=True)
    dataset = dataset.batch(_CHUNK).prefetch(2)
    return lambda: sum(len(values) for values in dataset)
