"""The record of a study: a line of JSON for each thing that happened, only appended.

A line is written by one call and is on disk before the next thing is done, so that a
process may be killed at any moment: what is lost is at most a last line without its
end, which is cut off when the record is opened again.
"""

import json
import os
from pathlib import Path
from typing import Any

from kerastpu import files
from kerastpu.errors import UsageError

NAME = "record.jsonl"
ASK, EPOCH, TELL, BACK = "ask", "epoch", "tell", "back"

Event = dict[str, Any]


class Record:
    """The file of one study.

    Args:
        folder: of the study; it is there.
    """

    def __init__(self, folder: Path):
        self.path = folder / NAME

    def open(self) -> list[Event]:
        """Returns what has been written, and makes ready to write more.

        Raises:
            UsageError: the file is damaged.
            OSError: it cannot be read or written.
        """
        events, num_bytes = _read(self.path)
        if self.path.is_file() and self.path.stat().st_size > num_bytes:
            os.truncate(self.path, num_bytes)
        return events

    def append(self, event: Event) -> None:
        """Writes one line.

        Raises:
            OSError: it cannot be written; names the file.
        """
        line = json.dumps(event, separators=(",", ":")) + "\n"
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        except OSError as error:
            error.filename = str(self.path)
            raise
        finally:
            os.close(descriptor)
        if is_new:
            files.sync(self.path.parent)


def read(folder: Path) -> list[Event]:
    """Returns what a study has written so far, also while it goes on.

    Raises:
        UsageError: the file is damaged.
    """
    return _read(folder / NAME)[0]


def _read(path: Path) -> tuple[list[Event], int]:
    """Returns the whole lines, and how many bytes they have."""
    if not path.is_file():
        return [], 0
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    try:
        events = [json.loads(line) for line in whole.splitlines()]
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}") from None
    return events, len(whole)
