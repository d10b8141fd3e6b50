"""The export folder: written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_pipelines.shards import lock
from kerastpu import files
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.export import targets

REPORT = "export.json"
TABLE, CARD, SCRIPT = "parity.md", "model_card.md", "score.py"
_NAMES = (*(target.file for target in targets.ALL), TABLE, CARD, SCRIPT)
_LOCK = ".lock"


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Path]:
    """Yields a folder to make files in; at the end it is gone.

    It lies in the export folder, which is made where it is absent and removed if
    nothing came of it. No other process may export there.

    Raises:
        UsageError: `folder` is a file, or another process exports there.
        KerastpuError: it cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out must be a folder; {folder} is a file")
    place = folder / f".{os.getpid()}.export"
    with contextlib.ExitStack() as held:
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True)
                held.callback(_remove_if_empty, folder)
            held.enter_context(lock.hold(folder / _LOCK, wait=False))
            for path in folder.iterdir():
                if files.is_temporary(path):  # a process that died has left it
                    _remove(path)
            place.mkdir()
        except BlockingIOError:
            raise UsageError(
                f"another process exports to {folder}; wait until it is done, or name "
                "another folder"
            ) from None
        except OSError as error:
            raise KerastpuError(f"cannot write to {folder}: {error.strerror}") from None
        held.callback(shutil.rmtree, place)
        yield place


def publish(place: Path, folder: Path, names: Iterable[str]) -> None:
    """Moves what was made into the export folder, in the place of an earlier export.

    export.json goes first and comes last: while it is there, all else is whole.

    Args:
        place: What `stage` yielded; export.json is in it.
        folder: The export folder.
        names: Exports and their papers, in `place`; those not named are removed.
    """
    for name in (REPORT, *_NAMES):
        _remove(folder / name)
    for name in (*names, REPORT):
        (place / name).replace(folder / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
