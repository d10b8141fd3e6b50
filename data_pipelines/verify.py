"""Checking shards against their manifest before anything trusts them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.manifest import Manifest, Shard, load_manifest
from data_pipelines.records import read_records
from data_pipelines.schema import Record, decode_example


def verify(manifest: Manifest | str | Path) -> Manifest:
    """Checks all shards of a manifest, in pure Python and without decoding pixels.

    Framing, lengths, checksums, schema, labels, class names, first bytes and stated
    size of every image, unique names; number of records, bytes and sha256 of every
    shard; number of examples of every class.

    Args:
        manifest: A manifest, or the folder that holds one.

    Returns:
        The manifest.

    Raises:
        DataError: the first thing that is wrong; names shard, record and byte offset.
    """
    if not isinstance(manifest, Manifest):
        manifest = load_manifest(manifest)
    names: set[str] = set()
    for split, content in manifest.splits.items():
        counts = [0] * len(manifest.class_names)
        for shard in content.shards:
            for record in _checked_records(manifest, shard):
                if record.name in names:
                    raise DataError(f"{shard.file}: {record.name!r} is there twice")
                names.add(record.name)
                counts[record.label] += 1
        if tuple(counts) != content.class_counts:
            raise DataError(
                f"{manifest.directory}: split {split!r} has {counts} examples per "
                f"class; the manifest says {list(content.class_counts)}"
            )
    return manifest


def _checked_records(manifest: Manifest, shard: Shard) -> Iterator[Record]:
    """Yields the records of a shard; at its end, checks it as a whole."""
    path = manifest.directory / shard.file
    count = 0
    for offset, data in read_records(path):
        try:
            record = decode_example(data)
            _check_record(record, manifest.class_names)
        except DataError as error:
            where = f"{shard.file}: record {count} at byte {offset}"
            raise DataError(f"{where}: {error}") from error
        count += 1
        yield record
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = Shard(shard.file, count, path.stat().st_size, digest)
    for what in ("count", "num_bytes", "sha256"):
        if getattr(found, what) != getattr(shard, what):
            raise DataError(
                f"{path}: {what} is {getattr(found, what)}; the manifest says "
                f"{getattr(shard, what)}"
            )


def _check_record(record: Record, class_names: tuple[str, ...]) -> None:
    # Here, for whoever only wants to import this needs no Pillow.
    from data_pipelines.images import MAX_PIXELS, identify

    if not 0 <= record.label < len(class_names):
        raise DataError(f"class {record.label}; allowed are 0..{len(class_names) - 1}")
    if record.class_name != class_names[record.label]:
        raise DataError(
            f"class {record.label} is called {record.class_name!r}; the manifest says "
            f"{class_names[record.label]!r}"
        )
    if identify(record.image) not in ("JPEG", "PNG"):
        raise DataError(f"image {record.name!r} is neither JPEG nor PNG")
    if (
        min(record.height, record.width) < 1
        or record.height * record.width > MAX_PIXELS
    ):
        raise DataError(
            f"image {record.name!r} of {record.height} x {record.width} pixels; 1 to "
            f"{MAX_PIXELS:,} in all are allowed"
        )
