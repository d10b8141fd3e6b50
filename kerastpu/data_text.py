"""What the data commands print: shards and inspections as text for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.inspection.inspect import Inspection, Spread
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.splits import Duplicates
from data_pipelines.sources.named import Listing
from kerastpu.shard_cache import CachedShards

if TYPE_CHECKING:
    from data_pipelines.throughput import Rate

MAX_ROWS = 50  # classes in a table
MAX_LISTED = 5  # pairs, files and the like; --json has them all


def of_inspection(inspection: Inspection) -> str:
    """Returns the figures of a data set, then what should be looked at."""
    means, deviations = (
        " ".join(f"{value:6.1f}" for value in values)
        for values in (inspection.channel_means, inspection.channel_stds)
    )
    formats = ", ".join(f"{name} {n:,}" for name, n in inspection.formats.items())
    origin = (
        "the source's own"
        if inspection.is_split_by_source
        else "by content, as `kerastpu data prepare` makes them"
    )
    lines = [
        f"{inspection.name}: {inspection.num_images:,} images in "
        f"{len(inspection.class_names)} classes, {num_bytes(inspection.num_bytes)}",
        f"formats: {formats}; {inspection.gray_share:.1%} gray",
        "",
        *_count_table(inspection.class_names, inspection.class_counts),
        f"splits: {origin}",
        "",
        "                minimum   median  maximum",
        _spread("width (pixels)", inspection.width, ".0f"),
        _spread("height (pixels)", inspection.height, ".0f"),
        _spread("width / height", inspection.aspect, ".2f"),
        "",
        "over all pixels, 0..255     red  green   blue",
        f"mean                     {means}",
        f"standard deviation       {deviations}",
        "",
        *_findings(inspection),
        *(f"note: {note}" for note in inspection.notes),
    ]
    return printable("\n".join(lines))


def of_manifest(manifest: Manifest) -> str:
    """Returns what a folder of shards holds, split by split, and what was noted."""
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    counts = {split: manifest.class_counts(split) for split in manifest.splits}
    num_images = sum(shard.count for shard in shards)
    lines = [
        f"{manifest.source['name']}: {num_images:,} images in "
        f"{len(manifest.class_names)} classes",
        "",
        *_count_table(manifest.class_names, counts),
        "",
        f"written: {len(shards)} shards, "
        f"{num_bytes(sum(shard.num_bytes for shard in shards))}, {manifest.directory}",
        f"images: {_stored_form(manifest)}",
        *_listed(
            f"groups of images with the same bytes: {len(manifest.duplicates):,}",
            [" = ".join(group.names) for group in manifest.duplicates],
        ),
        *_listed(f"bad files left out: {len(manifest.skipped):,}", manifest.skipped),
        *(f"note: {note}" for note in (*manifest.source["notes"], *manifest.notes)),
    ]
    return printable("\n".join(lines))


def of_splits(manifest: Manifest) -> str:
    """Returns a line for each split: images, shards, bytes."""
    lines = []
    for name, split in manifest.splits.items():
        total = num_bytes(sum(shard.num_bytes for shard in split.shards))
        count = f"{manifest.num_examples(name):>8,} images"
        lines.append(f"{name:<11}{count} {len(split.shards):>4} shards  {total:>10}")
    return "\n".join(lines)


def manifest_facts(manifest: Manifest) -> dict[str, Any]:
    """Returns what a folder of shards holds and what was noted, ready for `json`."""
    return {
        **asdict(manifest),
        "directory": str(manifest.directory),
        "splits": {
            name: {
                "num_images": manifest.num_examples(name),
                "num_shards": len(split.shards),
                "num_bytes": sum(shard.num_bytes for shard in split.shards),
                "class_counts": list(split.class_counts),
            }
            for name, split in manifest.splits.items()
        },
    }


def listing_facts(listing: Listing) -> dict[str, Any]:
    """Returns a named set and where it can be had, ready for `json`."""
    named = listing.named_set
    return {
        "name": listing.name,
        "title": named.title,
        "num_images": named.num_images,
        "num_test": named.num_test,
        "image_size": named.image_size,
        "class_names": list(named.class_names),
        "is_available": listing.is_available,
        "places": [place._asdict() for place in listing.places],
    }


def of_listings(listings: Sequence[Listing]) -> str:
    """Returns the named sets, and for each where it can be had, as `doctor` does."""
    lines = []
    for listing in listings:
        named = listing.named_set
        test = f" ({named.num_test:,} for test)" if named.num_test else ""
        lines.append(
            f"{listing.name}: {named.title}; {named.num_images:,} images{test}, "
            f"{len(named.class_names)} classes, {named.image_size}"
        )
        lines += [
            f"  [{'x' if place.reachable else ' '}] {place.place}: {place.why}"
            for place in listing.places
        ]
    return printable("\n".join(lines))


def of_cache(root: Path, folders: Sequence[CachedShards]) -> str:
    """Returns the folders of shards in the cache `root`, a line each."""
    total = sum(folder.num_bytes for folder in folders)
    lines = [f"shards in {root}: {len(folders)} folders, {num_bytes(total)}"]
    for folder in folders:
        about = folder.trouble or (
            f"{folder.num_images:,} images in {folder.num_classes} classes of "
            f"{folder.source}"
        )
        name = Path(folder.directory).name
        lines.append(f"  {name}: {num_bytes(folder.num_bytes)}, {about}")
    return printable("\n".join(lines))


def of_rates(rates: "Sequence[Rate]", limit: str = "decoding") -> str:
    """Returns a line for each stage; shares are of the stage that `limit` names."""
    width = max(len(rate.stage) for rate in rates)
    share = f"share of {limit}"
    lines = [f"{'stage':<{width}}  images/s  slowest  fastest  {share}"]
    lines += [
        f"{rate.stage:<{width}}  {rate.images_per_second:>8,.0f}  {rate.low:>7,.0f}  "
        f"{rate.high:>7,.0f}  {rate.share:>{len(share)}.2f}"
        for rate in rates
    ]
    return "\n".join(lines)


def num_bytes(count: int) -> str:
    """Returns a number of bytes for people, such as 78.1 MB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count} bytes"


def printable(text: str) -> str:
    """Returns `text` so that any terminal takes it: file names need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def _stored_form(manifest: Manifest) -> str:
    side, short = manifest.image_size, manifest.short_side
    if side is not None:
        return f"{side} x {side} pixels, JPEG quality {manifest.quality}"
    if short is not None:
        return f"short side at most {short} pixels, JPEG quality {manifest.quality}"
    return "as they came, but upright, 8 bits, JPEG or PNG"


def _count_table(
    class_names: Sequence[str], counts: Mapping[str, Sequence[int]]
) -> list[str]:
    """Returns the lines of a table: a row for every class, a column for every split."""
    columns = [*counts, "total"]
    rows = [
        (name, [*row, sum(row)])
        for name, row in zip(
            class_names, zip(*counts.values(), strict=True), strict=True
        )
    ]
    sums = [sum(column) for column in zip(*(row for _, row in rows), strict=True)]
    hidden = len(rows) - MAX_ROWS
    shown = rows[:MAX_ROWS]
    width = max(len(name) for name in (*(name for name, _ in shown), "all classes"))
    lines = [f"{'class':<{width}}" + "".join(f"{name:>12}" for name in columns)]
    for name, row in (*shown, ("all classes", sums)):
        lines.append(f"{name:<{width}}" + "".join(f"{value:>12,}" for value in row))
    if hidden > 0:
        lines.insert(-1, f"... {hidden} more classes: --json has them")
    return lines


def _spread(title: str, spread: Spread, form: str) -> str:
    values = (spread.minimum, spread.median, spread.maximum)
    return f"{title:<16}" + " ".join(f"{value:>8,{form}}" for value in values)


def _findings(inspection: Inspection) -> Iterable[str]:
    findings = inspection.findings()
    yield "to look at" if findings else "to look at: nothing"
    yield from (f"  {finding}" for finding in findings)
    yield from _listed("bad files", inspection.bad)
    yield from _listed("same bytes", list(map(_alike, inspection.duplicates)))
    yield from _listed("look alike", list(map(_alike, inspection.near_duplicates)))


def _alike(group: Duplicates) -> str:
    filed = [f" as {name}" if group.is_conflict else "" for name in group.class_names]
    parts = zip(group.names, group.splits, filed, strict=True)
    return " = ".join(f"{name} ({split}{where})" for name, split, where in parts)


def _listed(title: str, lines: Sequence[str]) -> Iterable[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines[:MAX_LISTED])
    if len(lines) > MAX_LISTED:
        yield f"  ... {len(lines) - MAX_LISTED:,} more: --json has them"
