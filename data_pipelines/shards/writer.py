"""Writing shards: check every image, split by content, then one rename at the end."""

import contextlib
import functools
import hashlib
import math
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from data_pipelines.errors import DataError
from data_pipelines.images import headers
from data_pipelines.images import normalize as images
from data_pipelines.shards import lock, manifest, splits
from data_pipelines.shards.spool import Stored, fill_spool, read_spool
from data_pipelines.sources.source import Source, fingerprint

# At the least, 16 as the codelab; 10 or more let as many hosts or readers share them.
NUM_SHARDS = {"train": 16, "validation": 4, "test": 4}
# Large enough to be read at full speed from a bucket.
SHARD_BYTES = 100 * 10**6
_SHARDS, _SPOOL, _JOURNAL = "shards", "spool", "journal"


def prepare(
    source: Source,
    out_dir: str | Path,
    *,
    image_size: int | None = None,
    short_side: int | None = None,
    quality: int | None = None,
    fractions: splits.Fractions = splits.DEFAULT_FRACTIONS,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> manifest.Manifest:
    """Checks, splits and writes a source as shards with a manifest.

    Every image is decoded once to know that it can be. All is written into a hidden
    folder beside `out_dir`, and renamed at the end: there is a whole `out_dir` or none.
    Where a run was killed, the next one with the same arguments goes on, and what it
    writes is the same. An `out_dir` already made from the same source and settings is
    used as it is.

    Args:
        source: What to write.
        out_dir: A folder that does not exist yet, is empty, or is to be used again.
        image_size: Side in pixels of the squares that images are made to (resized to
            fill, center crop, encoded again); None stores them as they are.
        short_side: Pixels that longer shorter sides are scaled down to; not together
            with `image_size`.
        quality: Of JPEG where an image is encoded again, 1..100; None is 95.
        fractions: Expected shares of validation and test.
        skip_bad: Leave out bad images and list them in the manifest.
        progress: Called with (examples done, examples in all).

    Raises:
        DataError: a bad argument, bad images (names the first, counts the rest), a
            class that cannot be split, other data in `out_dir`, or no room on the disk.
    """
    out_dir = Path(out_dir)
    place = out_dir.resolve()  # has a name and a parent, even if given as "."
    if place.is_mount():
        raise DataError(
            f"{out_dir}: a mount point, which no folder can replace; choose a folder "
            "in it"
        )
    work = place.with_name(f".{place.name}.partial")
    lock_file = place.with_name(f".{place.name}.lock")
    plan = manifest.Manifest(
        directory=work / _SHARDS,
        class_names=source.class_names,
        splits={},
        source={
            "kind": source.kind,
            "name": source.name,
            "fingerprint": source.fingerprint,
            "is_synthetic": source.is_synthetic,
            "notes": source.notes,
        },
        content_sha256="",
        fractions=fractions,
        image_size=image_size,
        short_side=short_side,
        quality=manifest.DEFAULT_QUALITY if quality is None else quality,
        skip_bad=skip_bad,
    )
    _check_settings(plan)
    try:
        if not _is_prepared(plan, out_dir):
            work.mkdir(parents=True, exist_ok=True)
            with lock.hold(lock_file):
                _write(plan, source, place, progress)
    except OSError as error:
        raise DataError(f"cannot write {out_dir}: {error.strerror or error}") from error
    # Here too, for a run may have been killed between the rename and this.
    shutil.rmtree(work, ignore_errors=True)
    with contextlib.suppress(OSError):
        lock_file.unlink()
    # The source's notes say how it was found now, not when the shards were written.
    return replace(manifest.load_manifest(out_dir), source=plan.source)


def _check_settings(plan: manifest.Manifest) -> None:
    size, side = plan.image_size, plan.short_side
    if size is not None and side is not None:
        raise DataError(
            f"image_size {size} and short_side {side}: only one of them can be given"
        )
    if size is not None and not headers.is_allowed(size, size):
        raise DataError(
            f"image_size must be >= 1 pixel or None; got {size}; {headers.LIMITS}"
        )
    if side is not None and side < 1:
        raise DataError(f"short_side must be >= 1 pixel or None; got {side}")
    if not 1 <= plan.quality <= 100:
        raise DataError(f"quality must be 1..100 or None; got {plan.quality}")


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
    changed = [key for key in new if old[key] != new[key]]
    if changed:
        how = "; ".join(f"{key} {old[key]}, not {new[key]}" for key in changed)
        raise DataError(
            f"{out_dir}: holds shards made from other data or settings ({how}); remove "
            "it or choose another folder"
        )
    return True


def _write(
    plan: manifest.Manifest,
    source: Source,
    place: Path,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Writes shards and manifest into `plan.directory`, then renames it to `place`.

    After an error nothing is left: the disk may be full, or the source has to change.
    """
    work = plan.directory.parent
    try:
        if _is_prepared(plan, place):  # by who held the lock before
            return
        # Of the shards that a killed run had begun, it is not known which are whole.
        shutil.rmtree(plan.directory, ignore_errors=True)
        plan.directory.mkdir(parents=True)
        mark = fingerprint(source.fingerprint, plan.class_names, plan.settings())
        normalize = functools.partial(
            images.normalize,
            image_size=plan.image_size,
            short_side=plan.short_side,
            quality=plan.quality,
        )
        with (
            (work / _SPOOL).open("a+b") as spool,
            (work / _JOURNAL).open("a+b") as lines,
        ):
            stored, bad = fill_spool(spool, lines, mark, source, normalize, progress)
            if bad and not plan.skip_bad:
                raise DataError(_describe_bad(bad, source))
            manifest.save_manifest(_write_splits(plan, stored, bad, spool))
        plan.directory.rename(place)
    except (DataError, OSError):
        shutil.rmtree(work, ignore_errors=True)
        raise


def _describe_bad(bad: Sequence[str], source: Source) -> str:
    more = f" (and {len(bad) - 1} more bad files)" if len(bad) > 1 else ""
    return (
        f"{bad[0]}{more} in {source.name}; fix or remove them, or leave them out with "
        "the option skip_bad"
    )


def _write_splits(
    plan: manifest.Manifest,
    stored: Sequence[Stored],
    bad: Sequence[str],
    spool: BinaryIO,
) -> manifest.Manifest:
    """Writes all shards; returns the plan with what is in them."""
    members = splits.assign(stored, plan.fractions)
    counts = {
        split: splits.count_classes(members[split], len(plan.class_names))
        for split in splits.SPLITS
    }
    comes_split = any(item.split is not None for item in stored)
    notes = splits.check_classes(counts, plan.class_names, comes_split=comes_split)
    duplicates = splits.find_duplicates(members, plan.class_names)
    return replace(
        plan,
        splits={
            split: manifest.Split(
                _write_shards(plan.directory, split, members[split], spool),
                counts[split],
            )
            for split in splits.SPLITS
        },
        content_sha256=_content_sha256(stored, plan.class_names),
        duplicates=duplicates,
        skipped=tuple(bad),
        notes=(*notes, *splits.describe_leaks(duplicates)),
    )


def count_shards(split: str, num_examples: int, num_bytes: int) -> int:
    """Returns the number of shards of a split with that many bytes of records."""
    wanted = max(NUM_SHARDS[split], math.ceil(num_bytes / SHARD_BYTES))
    return min(wanted, num_examples)


def _write_shards(
    directory: Path, split: str, members: Sequence[Stored], spool: BinaryIO
) -> tuple[manifest.Shard, ...]:
    num_bytes = sum(item.num_bytes for item in members)
    num_shards, shards = count_shards(split, len(members), num_bytes), []
    for number in range(num_shards):
        start, stop = (len(members) * n // num_shards for n in (number, number + 1))
        name = f"{split}-{number:05d}-of-{num_shards:05d}.tfrec"
        size, digest = _write_shard(directory / name, members[start:stop], spool)
        shards.append(manifest.Shard(name, stop - start, size, digest))
    return tuple(shards)


def _write_shard(
    path: Path, members: Iterable[Stored], spool: BinaryIO
) -> tuple[int, str]:
    """Returns the number of bytes written and their sha256 in hex."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for item in members:
            framed = read_spool(spool, item)
            digest.update(framed)
            file.write(framed)
        file.flush()
        os.fsync(file.fileno())  # the folder gets its name only when all is on the disk
        return file.tell(), digest.hexdigest()


def _content_sha256(stored: Sequence[Stored], class_names: Sequence[str]) -> str:
    lines = sorted(f"{item.digest.hex()} {class_names[item.label]}" for item in stored)
    text = "\n".join(lines).encode("utf-8", "backslashreplace")
    return hashlib.sha256(text).hexdigest()
