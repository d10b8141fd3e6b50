"""The manifest: what a folder of shards holds, so that nobody has to count or guess."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_pipelines.errors import DataError
from data_pipelines.schema import SCHEMA_VERSION
from data_pipelines.splits import DEFAULT_FRACTIONS, SPLITS, Duplicates, Fractions

MANIFEST_FILE = "manifest.json"
# Counts the changes of how images are normalized, split and ordered.
DATA_VERSION = 1


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
        source: kind, name, fingerprint, is_synthetic and notes of the `Source`.
        content_sha256: Over every example's content and class: equal on any machine
            for equal data, however it was copied.
        duplicates: Examples with the same bytes; they are in the same split.
        skipped: One line for every bad image that was left out.
        notes: What a reader of results should know, such as a class without test image.
        fractions: Expected shares of the splits.
        image_size: Side in pixels that the images were resized to, or None.
        skip_bad: Whether bad images were left out instead of refused.
        schema_version: `schema.SCHEMA_VERSION` of the records.
        data_version: `DATA_VERSION` of the writer.
    """

    directory: Path
    class_names: tuple[str, ...]
    splits: dict[str, Split]
    source: dict[str, Any]
    content_sha256: str
    duplicates: tuple[Duplicates, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fractions: Fractions = DEFAULT_FRACTIONS
    image_size: int | None = None
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
    except ValueError as error:
        raise DataError(f"{path}: damaged, not JSON ({error})") from error
    try:
        manifest = _from_json(Path(directory), content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: damaged, {error!r}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema version {manifest.schema_version}; this kerastpu reads "
            f"version {SCHEMA_VERSION}: prepare the data again"
        )
    return manifest


def _from_json(directory: Path, content: dict[str, Any]) -> Manifest:
    splits = {
        name: Split(
            shards=tuple(Shard(**shard) for shard in content["splits"][name]["shards"]),
            class_counts=tuple(content["splits"][name]["class_counts"]),
        )
        for name in SPLITS
    }
    for shard in (shard for split in splits.values() for shard in split.shards):
        if Path(shard.file).name != shard.file:
            raise ValueError(f"shard {shard.file!r} is not a plain file name")
    read = {
        "splits": splits,
        "fractions": Fractions(**content["fractions"]),
        "duplicates": tuple(
            Duplicates(tuple(group["names"]), tuple(group["class_names"]))
            for group in content["duplicates"]
        ),
        **{name: tuple(content[name]) for name in ("class_names", "skipped", "notes")},
    }
    return Manifest(directory=directory, **{**content, **read})
