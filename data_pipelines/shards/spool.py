"""Reading and checking every example once, into a file that outlives a killed run.

The spool holds the finished records in the order of the source; the journal says, line
by line, what came of every example. What is kept in memory is only where each record
lies, so a source may be larger than memory, and shards can be written in any order.
"""

import contextlib
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from data_pipelines.errors import DataError, UnreadableError
from data_pipelines.images.normalize import CheckedImage
from data_pipelines.shards import journal
from data_pipelines.shards.parallel import map_ordered
from data_pipelines.shards.records import frame_record, walk_records
from data_pipelines.shards.schema import Record, encode_example
from data_pipelines.sources.source import Example, Source

# A killed run does as many examples again; with tiny images, flushing costs as much as
# checking.
_FLUSH_EVERY = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A checked example, whose record lies in the spool file.

    Attributes:
        name: Unique name.
        label: Class number.
        split: As in `Example`.
        digest: sha256 of the bytes that the source gave.
        offset: Of the framed record in the spool file, in bytes.
        num_bytes: Length of the framed record.
    """

    name: str
    label: int
    split: str | None
    digest: bytes
    offset: int
    num_bytes: int


def fill_spool(
    spool: BinaryIO,
    lines: BinaryIO,
    mark: str,
    source: Source,
    normalize: Callable[[bytes, str], CheckedImage],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Stored], list[str]]:
    """Appends the record of every good image to `spool`.

    Args:
        spool: Empty, or what a killed run left; open for reading and appending.
        lines: The journal, likewise.
        mark: Of source and settings: what was left under another mark is dropped.
        source: What to read.
        normalize: Returns the image to store; raises `DataError` for a bad one.
        progress: Called with (examples done, examples in all); at first with those
            that were done before, if any.

    Returns:
        The examples that are stored, and one line for every bad one.
    """
    outcomes, offset = _recover(spool, lines, mark, source.examples)
    rest, total = source.examples[len(outcomes) :], len(source.examples)
    if outcomes and progress is not None:
        progress(len(outcomes), total)
    checks = map_ordered(_make_check(source.class_names, normalize), rest)
    with contextlib.closing(checks):
        for example, (entry, framed) in zip(rest, checks, strict=True):
            spool.write(framed)
            journal.append_line(lines, entry, mark)
            outcomes.append(_to_outcome(example, entry, offset))
            offset += len(framed)
            if len(outcomes) % _FLUSH_EVERY == 0:
                spool.flush()  # first: a line is the word that the record is there
                lines.flush()
            if progress is not None:
                progress(len(outcomes), total)
    stored = [item for item in outcomes if isinstance(item, Stored)]
    return stored, [item for item in outcomes if isinstance(item, str)]


def read_spool(spool: BinaryIO, item: Stored) -> bytes:
    """Returns the framed record of `item`."""
    spool.seek(item.offset)
    return spool.read(item.num_bytes)


def _make_check(
    class_names: Sequence[str], normalize: Callable[[bytes, str], CheckedImage]
) -> Callable[[Example], tuple[list[Any], bytes]]:
    """Returns what checks an example: its journal entry and its framed record.

    It runs in threads: reading, hashing and decoding let each other run.
    """

    def check(example: Example) -> tuple[list[Any], bytes]:
        try:
            data = example.read()
            image = normalize(data, example.name)
            class_name = class_names[example.label]
            record = Record(
                image.data,
                example.label,
                class_name,
                image.height,
                image.width,
                example.name,
            )
            framed = frame_record(encode_example(record))
        except UnreadableError as error:
            return [example.name, str(error), None], b""
        except DataError as error:
            return [example.name, str(error)], b""
        return [example.name, hashlib.sha256(data).hexdigest(), len(framed)], framed

    return check


def _to_outcome(example: Example, entry: list[Any], offset: int) -> Stored | str:
    """Returns what a journal entry says: where the record lies, or what is wrong."""
    if len(entry) == 2 or entry[2] is None:
        return str(entry[1])
    _, digest, num_bytes = entry
    return Stored(
        example.name,
        example.label,
        example.split,
        bytes.fromhex(digest),
        offset,
        num_bytes,
    )


def _recover(
    spool: BinaryIO, lines: BinaryIO, mark: str, examples: Sequence[Example]
) -> tuple[list[Stored | str], int]:
    """Returns what a killed run has done, and the length of its spool in bytes.

    Whatever follows the last example whose line and record are whole is cut off.
    """
    outcomes: list[Stored | str] = []
    offset = end = 0
    left = zip(examples, journal.read_lines(lines, mark), strict=False)
    for example, (entry, line_end) in left:
        outcome = _to_outcome(example, entry, offset)
        # What could not be read then may be readable now.
        if entry[0] != example.name or entry[-1] is None:
            break
        if isinstance(outcome, Stored):
            if not _is_whole(read_spool(spool, outcome), outcome):
                break
            offset += outcome.num_bytes
        outcomes.append(outcome)
        end = line_end
    spool.truncate(offset)
    lines.truncate(end)
    return outcomes, offset


def _is_whole(framed: bytes, item: Stored) -> bool:
    file = io.BytesIO(framed)
    try:
        return len(list(walk_records(file, item.num_bytes, item.name))) == 1
    except DataError:
        return False
