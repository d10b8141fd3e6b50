"""Going through a file of records once, and reading an image of it again."""

from collections.abc import Iterator
from typing import NamedTuple

from data_pipelines.errors import DataError
from data_pipelines.shards.records import masked_crc, read_records
from data_pipelines.sources.tfrec_fields import read_fields
from data_pipelines.sources.tfrec_files import RecordFile

_DATA_AT = 12  # bytes of length and checksum before a record's data


class Record(NamedTuple):
    """A record without its image.

    Attributes:
        file: Where it is.
        position: Its number in the file, from 0.
        offset: Where it begins in the file, in bytes.
        num_bytes: Length of its data.
        crc: `masked_crc` of its data.
        number: As in `Fields`.
        class_name: As in `Fields`.
        name: As in `Fields`.
    """

    file: RecordFile
    position: int
    offset: int
    num_bytes: int
    crc: int
    number: int
    class_name: str | None
    name: str | None

    def __str__(self) -> str:
        return f"{self.file.name}: record {self.position} at byte {self.offset}"


def walk(file: RecordFile) -> Iterator[tuple[Record, bytes]]:
    """Yields every record and its encoded image.

    Raises:
        DataError: the file cannot be read; a record is cut, damaged or of another
            layout; or there are not as many as `file` says. Names file and record.
    """
    count = 0
    for offset, data in read_records(file.path):
        try:
            fields = read_fields(data)
        except DataError as error:
            where = f"{file.name}: record {count} at byte {offset}"
            raise DataError(f"{where}: {error}") from error
        crc = masked_crc(data)
        yield Record(file, count, offset, len(data), crc, *fields[1:]), fields.image
        count += 1
    if file.num_records not in (None, count):
        raise DataError(
            f"{file.path}: holds {count} records; by its name or manifest it should "
            f"hold {file.num_records}"
        )


def read_image(record: Record) -> bytes:
    """Returns the encoded image of a record.

    Raises:
        DataError: the file cannot be read, or the record has changed.
    """
    try:
        with record.file.path.open("rb") as file:
            file.seek(record.offset + _DATA_AT)
            data = file.read(record.num_bytes)
    except OSError as error:
        raise DataError(f"{record}: {error.strerror or error}") from error
    if masked_crc(data) != record.crc:
        raise DataError(f"{record}: has changed since the file was opened")
    return read_fields(data).image
