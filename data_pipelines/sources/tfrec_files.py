"""Which files of records there are, and what their names say of them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.shards.manifest import Manifest
from data_pipelines.sources.split_names import split_of_word

_RECORD_FILE = re.compile(r"[^.].*\.(tfrec|tfrecords?)(-[0-9]{5,}-of-[0-9]{5,})?")
# flowers00-230.tfrec (codelab) and 00-512x512-798.tfrec (Kaggle) hold 230 and 798
# records: "good practice to have the number of records in the filename". The number
# after "of" counts files, and 2024-05 is a date.
_COUNTED = re.compile(
    r"(.*[^0-9-])?[0-9]{2,3}(-[0-9]+x[0-9]+)?-(?P<count>[0-9]+)\.tfrec"
)
_COUNTS_FILES = re.compile(r".*-of-[0-9]+\.tfrec")
# tf_flowers-train.tfrecord-00000-of-00002 of TensorFlow Datasets.
_SPLIT_IN_NAME = re.compile(r".+-(?P<split>[a-z]+)\.tfrecord-[0-9]+-of-[0-9]+")


@dataclass(frozen=True)
class RecordFile:
    """A file of TFRecords.

    Attributes:
        path: Where it is.
        name: Its path below the folder that holds all files, for people.
        split: "train", "validation" or "test" if its folder or name says so.
        num_records: Number of records if its name or a manifest says so.
    """

    path: Path
    name: str
    split: str | None
    num_records: int | None


def holds_records(path: str | Path) -> bool:
    """Returns whether `path` is a file, folder or pattern for `from_tfrecords`.

    True for names of record files and patterns of them, for folders of shards with
    their manifest, and for folders with record files in them or in split folders.
    """
    path = Path(path)
    if not path.is_dir():
        return _RECORD_FILE.fullmatch(path.name.replace("*", "x")) is not None
    return bool(_files_of_folder(path))


def find_record_files(pattern: str | Path) -> list[RecordFile]:
    """Returns the files that a path or pattern names, sorted.

    Args:
        pattern: A file, a pattern such as "flowers/*.tfrec" (** for any folders), or a
            folder with the files in it or in split folders (train, val, test, ...).

    Raises:
        DataError: there is none, or only some of them lie in split folders.
    """
    if Path(pattern).is_dir():
        paths = _files_of_folder(Path(pattern))
    elif Path(pattern).is_file():
        paths = [Path(pattern)]
    else:
        whole = Path(pattern)
        found = Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))
        paths = sorted(
            path for path in found if path.is_file() and not path.name.startswith(".")
        )
    if not paths:
        raise DataError(f"{pattern}: no .tfrec or .tfrecord file found")
    root = os.path.commonpath([path.parent for path in paths])
    splits = [_split_of(path) for path in paths]
    if None in splits and set(splits) - {None}:
        odd = paths[splits.index(None)]
        raise DataError(
            f"{pattern}: some files are in split folders (train, val, test), but not "
            f"{odd}"
        )
    comes_split = len(set(splits)) > 1
    return [
        RecordFile(
            path,
            path.relative_to(root).as_posix(),
            split if comes_split else None,
            _count_of(path),
        )
        for path, split in zip(paths, splits, strict=True)
    ]


def shard_files(manifest: Manifest) -> list[RecordFile]:
    """Returns the shards that a manifest lists, in its order."""
    return [
        RecordFile(manifest.directory / shard.file, shard.file, split, shard.count)
        for split, members in manifest.splits.items()
        for shard in members.shards
    ]


def _files_of_folder(folder: Path) -> list[Path]:
    try:
        inner = [path for path in folder.iterdir() if split_of_word(path.name)]
        folders = [folder, *(path for path in inner if path.is_dir())]
        found = [path for each in folders for path in each.iterdir()]
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror or error}") from error
    return sorted(
        path for path in found if _RECORD_FILE.fullmatch(path.name) and path.is_file()
    )


def _split_of(path: Path) -> str | None:
    match = _SPLIT_IN_NAME.fullmatch(path.name)
    return split_of_word(match["split"] if match else path.parent.name)


def _count_of(path: Path) -> int | None:
    match = _COUNTED.fullmatch(path.name)
    if match is None or _COUNTS_FILES.fullmatch(path.name):
        return None
    return int(match["count"])
