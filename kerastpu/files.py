"""Files that are written whole or not at all."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TEMPORARY = re.compile(r"\.\d+\..+")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary name of the same ending; at the end it becomes `path`.

    When the block raises, `path` is as it was and the temporary file is gone. An
    OSError that names no file, as that of a full disk, then names `path`.
    """
    with temporary(path) as other:
        try:
            yield other
            other.replace(path)
        except OSError as error:
            if error.filename in (None, str(other)):
                error.filename = str(path)
            raise


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all.

    Raises:
        OSError: it cannot be written; names `path`.
    """
    with replacing(path) as other:
        other.write_text(text, encoding="utf-8")


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Yields a name beside `path`, of the same ending; at the end nothing is there."""
    name = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield name
    finally:
        name.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Returns whether a file has such a name."""
    return _TEMPORARY.fullmatch(path.name) is not None


def remove_temporary(folder: Path) -> None:
    """Removes what processes that died have left; none may be at work in the folder."""
    for path in folder.iterdir():
        if is_temporary(path):
            path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Returns once a file's bytes, or a folder's names, are on disk (not on Windows).

    Raises:
        OSError: they cannot be written.
    """
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
