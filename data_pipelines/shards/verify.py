"""Checking shards against their manifest before anything trusts them."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.images import headers
from data_pipelines.shards.manifest import Manifest, Shard, load_manifest
from data_pipelines.shards.parallel import map_ordered
from data_pipelines.shards.records import read_records
from data_pipelines.shards.schema import Record, decode_example


def verify(manifest: Manifest | str | Path, *, decode: bool = False) -> Manifest:
    """Checks all shards of a manifest, in pure Python.

    Framing, lengths, checksums, schema, labels, class names, first bytes and size of
    every image, unique names; number of records, bytes and sha256 of every shard;
    number of examples of every class. Other files in the folder are not looked at.

    Args:
        manifest: A manifest, or the folder that holds one.
        decode: Decode every image too, which takes as long as an epoch of reading.

    Returns:
        The manifest.

    Raises:
        DataError: something is wrong; names shard, record and byte offset.
    """
    if not isinstance(manifest, Manifest):
        manifest = load_manifest(manifest)
    names: set[str] = set()
    for split, content in manifest.splits.items():
        counts = [0] * len(manifest.class_names)
        for shard in content.shards:
            for record in _checked_records(manifest, shard, decode):
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


def verify_shards(paths: Iterable[str | Path]) -> dict[Path, int]:
    """Checks the framing of TFRecord files that have no manifest, whoever wrote them.

    Lengths and checksums of all records; TensorFlow can read what passes. A file that
    was cut between two records cannot be told from a whole one: compare the counts.

    Returns:
        The number of records of every file.

    Raises:
        DataError: the first record that is damaged; names file, record and byte offset.
    """
    return {Path(path): sum(1 for _ in read_records(path)) for path in paths}


def _checked_records(
    manifest: Manifest, shard: Shard, decode: bool
) -> Iterator[Record]:
    """Yields the records of a shard; at its end, checks it as a whole."""
    path = manifest.directory / shard.file

    def check(numbered: tuple[int, tuple[int, bytes]]) -> Record:
        number, (offset, data) = numbered
        try:
            record = decode_example(data)
            _check_record(record, manifest.class_names)
            if decode:
                _check_pixels(record)
        except DataError as error:
            where = f"{shard.file}: record {number} at byte {offset}"
            raise DataError(f"{where}: {error}") from error
        return record

    count = 0
    numbered = enumerate(read_records(path))
    # Decoding lets threads run side by side; parsing alone does not.
    for record in map_ordered(check, numbered) if decode else map(check, numbered):
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
    if not 0 <= record.label < len(class_names):
        raise DataError(f"class {record.label}; allowed are 0..{len(class_names) - 1}")
    if record.class_name != class_names[record.label]:
        raise DataError(
            f"class {record.label} is called {record.class_name!r}; the manifest says "
            f"{class_names[record.label]!r}"
        )
    if headers.identify(record.image) not in ("JPEG", "PNG"):
        raise DataError(f"image {record.name!r} is neither JPEG nor PNG")
    stated = record.height, record.width
    if not headers.is_allowed(*stated):
        raise DataError(
            f"image {record.name!r} of {stated[0]} x {stated[1]} pixels; 1 pixel or "
            f"more, {headers.LIMITS}"
        )
    if headers.read_size(record.image) != stated:
        raise DataError(
            f"image {record.name!r} is not of the stated {stated[0]} x {stated[1]} "
            f"pixels (height x width) but {headers.read_size(record.image)}"
        )


def _check_pixels(record: Record) -> None:
    # Here, for whoever only wants to import this needs no Pillow.
    from data_pipelines.images.normalize import normalize

    if normalize(record.image, f"image {record.name!r}").data != record.image:
        raise DataError(
            f"image {record.name!r} is not upright, gray or RGB, 8 bits: no image that "
            "`prepare` stores"
        )
