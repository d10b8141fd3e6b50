"""The manifest: what a folder of shards holds, so that nobody has to count or guess."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

from data_pipelines.errors import DataError
from data_pipelines.shards import records, typed_json
from data_pipelines.shards.schema import SCHEMA_VERSION
from data_pipelines.shards.splits import (
    DEFAULT_FRACTIONS,
    SPLITS,
    Duplicates,
    Fractions,
)

MANIFEST_FILE = "manifest.json"
# Counts the changes of how images are normalized, split and ordered.
# 2: a source's own split is kept, numbered folders are named without their number.
DATA_VERSION = 2
# Of JPEG, where an image is encoded again.
DEFAULT_QUALITY = 95


class Origin(TypedDict):
    """What a manifest keeps of its `Source`; the fields are those of `Source`."""

    kind: str
    name: str
    fingerprint: str
    is_synthetic: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Shard:
    """One file of records: its name in the folder, records, bytes and sha256 in hex."""

    file: str
    count: int
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class Split:
    """The shards of one split, and its number of examples per class."""

    shards: tuple[Shard, ...]
    class_counts: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """A folder of shards.

    Attributes:
        directory: Where the shards are; not stored, so the folder may be moved.
        class_names: Names by class number.
        splits: "train", "validation" and "test".
        source: Where the images are from.
        content_sha256: Over every example's content and class: equal on any machine
            for equal data, however it was copied.
        duplicates: Examples with the same bytes; in one split, unless the source comes
            split itself.
        skipped: One line for every bad image that was left out.
        notes: What a reader of results should know, such as a class without test image.
        fractions: Expected shares of the splits.
        image_size: Side in pixels that the images were resized to, or None.
        short_side: Pixels that the shorter side was scaled down to, or None.
        quality: Of JPEG where images were encoded again, 1..100.
        skip_bad: Whether bad images were left out instead of refused.
        schema_version: `schema.SCHEMA_VERSION` of the records.
        data_version: `DATA_VERSION` of the writer.
    """

    directory: Path
    class_names: tuple[str, ...]
    splits: dict[str, Split]
    source: Origin
    content_sha256: str
    duplicates: tuple[Duplicates, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fractions: Fractions = DEFAULT_FRACTIONS
    image_size: int | None = None
    short_side: int | None = None
    quality: int = DEFAULT_QUALITY
    skip_bad: bool = False
    schema_version: int = SCHEMA_VERSION
    data_version: int = DATA_VERSION

    def num_examples(self, split: str) -> int:
        """Returns the number of examples in `split`."""
        return sum(shard.count for shard in self._split(split).shards)

    def class_counts(self, split: str) -> tuple[int, ...]:
        """Returns the number of examples of every class in `split`."""
        return self._split(split).class_counts

    def shard_paths(self, split: str) -> tuple[Path, ...]:
        """Returns the paths of the shards of `split`, in stored order."""
        return tuple(self.directory / shard.file for shard in self._split(split).shards)

    def _split(self, split: str) -> Split:
        if split not in self.splits:
            raise DataError(f"no split {split!r}; there are {', '.join(self.splits)}")
        return self.splits[split]

    def settings(self) -> dict[str, Any]:
        """Returns what, with the source, decides about the content of the shards."""
        return {
            "fractions": asdict(self.fractions),
            "image_size": self.image_size,
            "short_side": self.short_side,
            "quality": self.quality,
            "skip_bad": self.skip_bad,
            "schema_version": self.schema_version,
            "data_version": self.data_version,
        }


def save_manifest(manifest: Manifest) -> None:
    """Writes the manifest into its directory."""
    content = asdict(manifest)
    del content["directory"]
    text = json.dumps(content, indent=1)
    (manifest.directory / MANIFEST_FILE).write_text(text + "\n", encoding="ascii")


def load_manifest(directory: str | Path) -> Manifest:
    """Reads the manifest of a folder of shards.

    Raises:
        DataError: there is none, it is damaged, or another version wrote it.
    """
    path = Path(directory) / MANIFEST_FILE
    try:
        content = json.loads(path.read_text(encoding="ascii"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged, not JSON ({error})") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema version {version}; this kerastpu reads version "
            f"{SCHEMA_VERSION}: prepare the data again"
        )
    try:
        return _from_json(Path(directory), content)
    except DataError as error:
        raise DataError(f"{path}: damaged, {error}") from error


def _from_json(directory: Path, content: Any) -> Manifest:
    if isinstance(content, dict):
        content = {**content, "directory": directory}
    manifest = typed_json.build(Manifest, content, "manifest")
    names = manifest.class_names
    if not names or len(set(names)) < len(names) or set(manifest.splits) != {*SPLITS}:
        raise DataError(
            f"class names, all different, and the splits {', '.join(SPLITS)} are needed"
        )
    for name in SPLITS:
        split = manifest.splits[name]
        for shard in split.shards:
            if Path(shard.file).name != shard.file or not shard.file.isprintable():
                raise DataError(f"shard {shard.file!r} is not a plain file name")
            if not 0 <= shard.count <= shard.num_bytes // records.MIN_RECORD_BYTES:
                raise DataError(
                    f"shard {shard.file!r}: {shard.count} records cannot be in "
                    f"{shard.num_bytes} bytes"
                )
        if (
            len(split.class_counts) != len(manifest.class_names)
            or min(split.class_counts) < 0
            or sum(split.class_counts) != manifest.num_examples(name)
        ):
            raise DataError(f"split {name!r}: class counts do not fit classes, shards")
    return manifest
