"""Reading a split back into memory, every record checked, without TensorFlow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError
from data_pipelines.manifest import Manifest
from data_pipelines.records import read_records
from data_pipelines.schema import decode_example

if TYPE_CHECKING:
    import numpy as np

# Encoded images of one split are held in memory, for exact order and random access.
MAX_SPLIT_BYTES = 16 * 2**30


@dataclass(frozen=True)
class Table:
    """The examples of a split in stored order.

    Attributes:
        images: Encoded images, JPEG or 8-bit PNG.
        labels: int32 (N,), class numbers.
        names: Unique names of the examples.
    """

    images: tuple[bytes, ...]
    labels: "np.ndarray"
    names: tuple[str, ...]


def read_split(manifest: Manifest, split: str) -> Table:
    """Returns all examples of a split, still encoded.

    Raises:
        DataError: the split is empty or too large for memory, or a shard is damaged.
    """
    import numpy as np

    if not manifest.num_examples(split):
        raise DataError(f"{manifest.directory}: split {split!r} has no examples")
    num_bytes = sum(shard.num_bytes for shard in manifest.splits[split].shards)
    if num_bytes > MAX_SPLIT_BYTES:
        raise DataError(
            f"{manifest.directory}: split {split!r} has {num_bytes / 2**30:.1f} GiB of "
            f"images; at most {MAX_SPLIT_BYTES / 2**30:.0f} GiB are held in memory: "
            "prepare it with a smaller image_size"
        )
    records = []
    for path in manifest.shard_paths(split):
        for offset, data in read_records(path):
            try:
                records.append(decode_example(data))
            except DataError as error:
                raise DataError(
                    f"{path.name}: record at byte {offset}: {error}"
                ) from error
    return Table(
        images=tuple(record.image for record in records),
        labels=np.array([record.label for record in records], np.int32),
        names=tuple(record.name for record in records),
    )
