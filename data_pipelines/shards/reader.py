"""Random access to the examples of a split, without TensorFlow.

Only labels, names and positions are held in memory; an image is read when it is asked
for, at the speed of memory once the system has its page. So a split may be larger than
memory, and any example can come next.
"""

import os
import threading
import weakref
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from data_pipelines.errors import DataError
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.records import read_records
from data_pipelines.shards.schema import decode_example

if TYPE_CHECKING:
    import numpy as np


class _Place(NamedTuple):
    """Where an image lies: number of its shard, byte offset, length in bytes."""

    shard: int
    offset: int
    num_bytes: int


class Table:
    """The examples of a split in stored order.

    Args:
        manifest: What `prepare` returned.
        split: "train", "validation" or "test".

    Attributes:
        labels: int32 (N,), class numbers.
        names: Unique names of the examples.

    Raises:
        DataError: the split is unknown or empty, or a shard is damaged.
    """

    labels: "np.ndarray"
    names: tuple[str, ...]

    def __init__(self, manifest: Manifest, split: str):
        import numpy as np

        if not manifest.num_examples(split):
            raise DataError(f"{manifest.directory}: split {split!r} has no examples")
        self._paths = manifest.shard_paths(split)
        places, labels, names = [], [], []
        for shard, path in enumerate(self._paths):
            for offset, data in read_records(path):
                try:
                    record = decode_example(data)
                    _check_label(record.label, len(manifest.class_names))
                except DataError as error:
                    raise DataError(
                        f"{path.name}: record at byte {offset}: {error}"
                    ) from error
                # The image's bytes stand in the record as they are; 12 are its header.
                start = offset + 12 + data.index(record.image)
                places.append(_Place(shard, start, len(record.image)))
                labels.append(record.label)
                names.append(record.name)
        if len(names) != manifest.num_examples(split):
            raise DataError(
                f"{manifest.directory}: split {split!r} has {len(names)} records; the "
                f"manifest says {manifest.num_examples(split)}"
            )
        self._places = places
        self.labels, self.names = np.array(labels, np.int32), tuple(names)
        self._read_at = _open_all(self, self._paths)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> bytes:
        """Returns the encoded image of example `index`; safe in many threads.

        Raises:
            DataError: the shard cannot be read any more, or was cut meanwhile.
        """
        place = self._places[index]
        try:
            data = self._read_at(place.shard, place.num_bytes, place.offset)
        except OSError as error:
            raise DataError(
                f"{self._paths[place.shard]}: {error.strerror or error}"
            ) from error
        if len(data) != place.num_bytes:
            raise DataError(f"{self._paths[place.shard]}: was cut while it was read")
        return data


def _check_label(label: int, num_classes: int) -> None:
    if not 0 <= label < num_classes:
        raise DataError(f"class {label}; allowed are 0..{num_classes - 1}")


def _open_all(
    owner: Table, paths: tuple[Path, ...]
) -> Callable[[int, int, int], bytes]:
    """Returns read(shard, num_bytes, offset); files stay open as long as `owner`."""
    files = [FileIO(path) for path in paths]
    weakref.finalize(owner, _close_all, files)
    if hasattr(os, "pread"):
        descriptors = [file.fileno() for file in files]
        return lambda shard, num_bytes, offset: os.pread(
            descriptors[shard], num_bytes, offset
        )
    lock = threading.Lock()  # Windows: one position for each file

    def read(shard: int, num_bytes: int, offset: int) -> bytes:
        with lock:
            files[shard].seek(offset)
            return files[shard].read(num_bytes)

    return read


def _close_all(files: list[FileIO]) -> None:
    for file in files:
        file.close()
