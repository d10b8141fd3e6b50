"""The shards that training made of its data and keeps for the next run."""

from dataclasses import dataclass
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.shards.manifest import load_manifest
from data_pipelines.sources.folders import cache_dir


@dataclass(frozen=True)
class CachedShards:
    """One folder of the cache.

    Attributes:
        directory: where it is.
        num_bytes: of all files in it.
        source: name of the data it was made from, or None.
        num_images: in all splits, or None.
        num_classes: or None.
        trouble: why the folder cannot be used, else empty.
    """

    directory: str
    num_bytes: int
    source: str | None = None
    num_images: int | None = None
    num_classes: int | None = None
    trouble: str = ""


def list_shards() -> tuple[CachedShards, ...]:
    """Returns the folders of shards in the cache, ordered by name."""
    folders = sorted(path for path in shards_root().glob("*") if path.is_dir())
    return tuple(map(_describe, folders))


def shards_root() -> Path:
    """Returns where the folders of shards are kept; it need not be there."""
    return cache_dir() / "shards"


def _describe(folder: Path) -> CachedShards:
    num_bytes = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    try:
        manifest = load_manifest(folder)
    except DataError as error:
        return CachedShards(str(folder), num_bytes, trouble=str(error))
    return CachedShards(
        str(folder),
        num_bytes,
        manifest.source["name"],
        sum(manifest.num_examples(split) for split in manifest.splits),
        len(manifest.class_names),
    )
