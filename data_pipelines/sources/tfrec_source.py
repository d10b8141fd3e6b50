"""Files of records as a source: the codelab's, Kaggle's, TFDS's and our own shards."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.shards.manifest import MANIFEST_FILE, Manifest, load_manifest
from data_pipelines.sources.source import Example, Source, fingerprint
from data_pipelines.sources.tfrec_fields import NO_CLASS
from data_pipelines.sources.tfrec_files import (
    RecordFile,
    find_record_files,
    holds_records,
    shard_files,
)
from data_pipelines.sources.tfrec_index import Record, read_image, walk


def from_tfrecords(
    pattern: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Source:
    """Returns the labeled images in files of TFRecords; `tfrec_fields` has the layouts.

    All files are gone through and checked once. What stays in memory is where each
    record lies: images are read when they are asked for, so files may be larger than
    memory. Files under train, validation and test folders (or named so, as TensorFlow
    Datasets does) keep their split, as do the shards of a folder with a manifest.

    Args:
        pattern: A file, a pattern such as "flowers/*.tfrec", or a folder.
        class_names: Names by class number, for records that hold numbers only; without
            them the numbers are the names. Names in the records must agree.
        progress: Called with (files done, files in all).

    Raises:
        DataError: no files or no labels; a record that is cut, damaged or of another
            layout; another number of records than the file's name or manifest says; a
            class number with two names, or none, or above those of `class_names`.
    """
    manifest = _manifest_of(Path(pattern))
    files = shard_files(manifest) if manifest else find_record_files(pattern)
    records: list[Record] = []
    unlabeled: list[str] = []
    for done, file in enumerate(files, start=1):
        found = _labeled_records(file)
        records += found
        unlabeled += [] if found else [file.name]
        if progress is not None:
            progress(done, len(files))
    if not records:
        raise DataError(
            f"{pattern}: no record has a class, so nothing can be learned or scored; "
            "unlabeled images are for predictions only"
        )
    if manifest and class_names is None:
        class_names = manifest.class_names
    names = _name_classes(records, class_names, pattern)
    return Source(
        "shards" if manifest else "tfrecords",
        str(pattern),
        names,
        _make_examples(pattern, records, has_names=manifest is not None),
        fingerprint("tfrecords", names, _contents(records)),
        (
            *(manifest.source["notes"] if manifest else ()),
            *_notes(records, class_names, unlabeled),
        ),
        manifest.source["is_synthetic"] if manifest else False,
    )


def read_unlabeled(pattern: str | Path) -> Iterator[tuple[str, bytes]]:
    """Yields (id, encoded image) of every record, in order; classes are ignored.

    For images to predict, such as Kaggle's test files, whose records hold `image` and
    `id`. Without an id, file name and record number stand for it.

    Args:
        pattern: As for `from_tfrecords`.

    Raises:
        DataError: no files, or a record that is cut, damaged or holds no image.
    """
    for file in find_record_files(pattern):
        for record, image in walk(file):
            name = record.name
            yield f"{file.name}/{record.position:06}" if name is None else name, image


def _manifest_of(folder: Path) -> Manifest | None:
    is_ours = (folder / MANIFEST_FILE).is_file() and holds_records(folder)
    return load_manifest(folder) if is_ours else None


def _labeled_records(file: RecordFile) -> list[Record]:
    """Returns the records of a file where all have a class, or none where none has."""
    records = [record for record, _ in walk(file)]
    if not records and file.num_records != 0:
        raise DataError(f"{file.path}: holds no records")
    unlabeled = [record for record in records if record.number == NO_CLASS]
    if unlabeled and len(unlabeled) < len(records):
        raise DataError(f"{unlabeled[0]}: has no class; other records have one")
    return [] if unlabeled else records


def _names_in(records: Sequence[Record]) -> dict[int, str]:
    """Returns the names that the records give to class numbers."""
    named: dict[int, str] = {}
    for record in records:
        text, number = record.class_name, record.number
        if text is not None and named.setdefault(number, text) != text:
            raise DataError(
                f"{record}: class {number} is called {text!r}, {named[number]!r} before"
            )
    return named


def _name_classes(
    records: Sequence[Record], given: Sequence[str] | None, pattern: str | Path
) -> tuple[str, ...]:
    """Returns the class names by number, as `given`, else as the records say."""
    numbers, named = {record.number for record in records}, _names_in(records)
    highest = max(numbers)
    if given is None:
        given = _names_from(numbers, named, pattern)
    if highest >= len(given):
        raise DataError(f"{pattern}: class {highest}, but {len(given)} class_names")
    for number, name in named.items():
        if name != given[number]:
            raise DataError(
                f"{pattern}: class {number} is {name!r} in the records, "
                f"{given[number]!r} in class_names"
            )
    if len(given) < 2 or len(set(given)) < len(given):
        raise DataError(
            f"{pattern}: class names must be 2 or more different ones; got "
            f"{list(given)}"
        )
    return tuple(given)


def _names_from(
    numbers: set[int], named: dict[int, str], pattern: str | Path
) -> list[str]:
    """Returns the names that the records give, or the numbers if they give none."""
    # Compared first: a damaged number may be far too large to count up to.
    if max(numbers) >= len(numbers):
        missing = next(number for number in itertools.count() if number not in numbers)
        raise DataError(
            f"{pattern}: no record of class {missing}, but of class {max(numbers)}; if "
            "that is right, say so with class_names"
        )
    nameless = sorted(numbers - named.keys())
    if named and nameless:
        raise DataError(
            f"{pattern}: no record names class {nameless[0]}; others are named"
        )
    return [named.get(number, str(number)) for number in range(len(numbers))]


def _notes(
    records: Sequence[Record], given: Sequence[str] | None, unlabeled: Sequence[str]
) -> Iterator[str]:
    if given is None and all(record.class_name is None for record in records):
        yield "the records name no classes: their numbers are used as names"
    if unlabeled:
        yield f"without classes, left out: {', '.join(unlabeled)}"


def _make_examples(
    pattern: str | Path, records: Sequence[Record], *, has_names: bool
) -> tuple[Example, ...]:
    """Names the examples by file and position, as ids need not be unique in all files.

    Args:
        pattern: For messages.
        records: All labeled records.
        has_names: Whether they have names that should be unique, as our own shards.
    """
    examples = []
    for record in records:
        name = record.name if has_names else None
        if name is None:
            name = f"{record.file.name}/{record.position:06}"
        read = functools.partial(read_image, record)
        examples.append(Example(name, record.number, read, record.file.split))
    if len({example.name for example in examples}) < len(examples):
        raise DataError(f"{pattern}: several records have the same name")
    return tuple(examples)


def _contents(records: Sequence[Record]) -> list[tuple[object, ...]]:
    """Returns what tells a changed set from the same one, wherever it lies."""
    return [
        (
            record.file.name,
            record.file.split,
            record.number,
            record.num_bytes,
            record.crc,
        )
        for record in records
    ]
