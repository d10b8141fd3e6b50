"""Writing shards: check every image, split by content, then one rename at the end."""

import hashlib
import itertools
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from data_pipelines import manifest, splits
from data_pipelines.errors import DataError
from data_pipelines.records import frame_record
from data_pipelines.schema import Record, encode_example
from data_pipelines.sources import Source
from data_pipelines.spool import Stored, fill_spool, read_spool

# 16 as the codelab; at least 10 let as many hosts or readers share the work.
NUM_SHARDS = {"train": 16, "validation": 4, "test": 4}
_SPOOL_FILE = "spool"


def prepare(
    source: Source,
    out_dir: str | Path,
    *,
    image_size: int | None = None,
    fractions: splits.Fractions = splits.DEFAULT_FRACTIONS,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> manifest.Manifest:
    """Checks, splits and writes a source as shards with a manifest.

    Every image is decoded once to know that it can be. All is written into a folder
    beside `out_dir`, which is renamed at the end: there is a whole `out_dir` or none.
    An `out_dir` already made from the same source and settings is used as it is.

    Args:
        source: What to write.
        out_dir: A folder that does not exist yet, is empty, or is to be used again.
        image_size: Side in pixels of the squares that images are made to (resized to
            fill, center crop, encoded again); None stores them as they are.
        fractions: Expected shares of validation and test.
        skip_bad: Leave out bad images and list them in the manifest.
        progress: Called with (examples done, examples in all).

    Raises:
        DataError: bad images (names the first, counts the rest), a class that cannot
            be split, other data in `out_dir`, or no room on the disk.
    """
    if image_size is not None and image_size < 1:
        raise DataError(f"image_size must be >= 1 pixel or None; got {image_size}")
    out_dir = Path(out_dir)
    plan = manifest.Manifest(
        directory=out_dir.with_name(f".{out_dir.name}.{uuid.uuid4().hex[:8]}.partial"),
        class_names=source.class_names,
        splits={},
        source={
            "kind": source.kind,
            "name": source.name,
            "fingerprint": source.fingerprint,
            "is_synthetic": source.is_synthetic,
            "notes": list(source.notes),
        },
        content_sha256="",
        fractions=fractions,
        image_size=image_size,
        skip_bad=skip_bad,
    )
    if _is_prepared(plan, out_dir):
        return _load(out_dir, plan)
    try:
        plan.directory.mkdir(parents=True)
        _fill(plan, source, progress)
        plan.directory.rename(out_dir)
    except OSError as error:
        if not _is_prepared(plan, out_dir):  # by another process in the meantime
            reason = error.strerror or error
            raise DataError(f"cannot write {out_dir}: {reason}") from error
    finally:
        shutil.rmtree(plan.directory, ignore_errors=True)
    return _load(out_dir, plan)


def _load(out_dir: Path, plan: manifest.Manifest) -> manifest.Manifest:
    # The source's notes say how it was found now, not when the shards were written.
    return replace(manifest.load_manifest(out_dir), source=plan.source)


def _is_prepared(plan: manifest.Manifest, out_dir: Path) -> bool:
    """Whether `out_dir` holds what `plan` would write.

    Raises:
        DataError: it holds something else.
    """
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    if not (out_dir / manifest.MANIFEST_FILE).is_file():
        raise DataError(f"{out_dir}: is not empty and holds no shards; not overwritten")
    found = manifest.load_manifest(out_dir)
    # 16 hex digits tell sources apart and can still be read in a message.
    old = {"fingerprint": found.source["fingerprint"][:16], **found.settings()}
    new = {"fingerprint": plan.source["fingerprint"][:16], **plan.settings()}
    differing = [
        f"{key} {old[key]}, not {new[key]}" for key in new if old[key] != new[key]
    ]
    if differing:
        raise DataError(
            f"{out_dir}: holds shards made from other data or settings "
            f"({'; '.join(differing)}); remove it or choose another folder"
        )
    return True


def _fill(
    plan: manifest.Manifest, source: Source, progress: Callable[[int, int], None] | None
) -> None:
    """Writes shards and manifest into the existing folder `plan.directory`."""
    spool_path = plan.directory / _SPOOL_FILE
    with spool_path.open("w+b") as spool:
        stored, bad = fill_spool(spool, source.examples, plan.image_size, progress)
        if bad and not plan.skip_bad:
            raise DataError(_describe_bad(bad, source))
        members = splits.assign(stored, plan.fractions)
        num_classes = len(plan.class_names)
        counts = {
            split: splits.count_classes(members[split], num_classes)
            for split in splits.SPLITS
        }
        notes = splits.check_classes(counts, plan.class_names)
        written = {
            split: manifest.Split(
                _write_split(split, members[split], plan, spool), counts[split]
            )
            for split in splits.SPLITS
        }
    spool_path.unlink()
    manifest.save_manifest(
        replace(
            plan,
            splits=written,
            content_sha256=_content_sha256(stored, plan.class_names),
            duplicates=splits.find_duplicates(stored, plan.class_names),
            skipped=tuple(bad),
            notes=notes,
        )
    )


def _describe_bad(bad: Sequence[str], source: Source) -> str:
    more = f" (and {len(bad) - 1} more bad files)" if len(bad) > 1 else ""
    return (
        f"{bad[0]}{more} in {source.name}; fix or remove them, or leave them out with "
        "the option skip_bad"
    )


def _write_split(
    split: str,
    members: Sequence[Stored],
    plan: manifest.Manifest,
    spool: BinaryIO,
) -> tuple[manifest.Shard, ...]:
    if not members:
        return ()
    num_shards = min(NUM_SHARDS[split], len(members))
    bounds = [len(members) * i // num_shards for i in range(num_shards + 1)]
    shards = []
    for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
        name = f"{split}-{number:05d}-of-{num_shards:05d}.tfrec"
        records = (
            _make_record(item, plan.class_names, spool) for item in members[start:stop]
        )
        size, digest = _write_shard(plan.directory / name, records)
        shards.append(manifest.Shard(name, stop - start, size, digest))
    return tuple(shards)


def _make_record(item: Stored, class_names: Sequence[str], spool: BinaryIO) -> Record:
    return Record(
        image=read_spool(spool, item),
        label=item.label,
        class_name=class_names[item.label],
        height=item.height,
        width=item.width,
        name=item.name,
    )


def _write_shard(path: Path, records: Iterable[Record]) -> tuple[int, str]:
    """Returns the number of bytes written and their sha256 in hex."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for record in records:
            framed = frame_record(encode_example(record))
            digest.update(framed)
            file.write(framed)
        return file.tell(), digest.hexdigest()


def _content_sha256(stored: Sequence[Stored], class_names: Sequence[str]) -> str:
    lines = sorted(f"{item.digest.hex()} {class_names[item.label]}" for item in stored)
    return hashlib.sha256(
        "\n".join(lines).encode("utf-8", "backslashreplace")
    ).hexdigest()
