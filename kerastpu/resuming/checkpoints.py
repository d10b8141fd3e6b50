"""Checkpoints of an unfinished run: whole or not there, and damage is noticed."""

import contextlib
import hashlib
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kerastpu import files
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.resuming import trees

LOG = logging.getLogger("kerastpu")

_NAME = re.compile(r"step-(\d+)-([0-9a-f]{16})\.npz")
_KEPT = 2  # the newest, and one to fall back on


class Checkpoints:
    """The newest checkpoints of one run, in a folder of their own.

    The name of a file holds a part of the SHA-256 of what is in it. It gets that name
    once its bytes are on disk, so that a process or a machine that dies at any moment
    leaves the one before it as it was.

    Args:
        folder: made with the first checkpoint, in a folder that is there.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def write(self, step: int, tree: Any) -> Path:
        """Writes a checkpoint and removes the oldest, so that two are kept.

        Args:
            step: where the run is; orders the checkpoints.
            tree: see `trees.save`.

        Returns:
            The file.

        Raises:
            KerastpuError: it cannot be written; those that are there stay.
        """
        with self._named_errors():
            self.folder.mkdir(exist_ok=True)
            with files.temporary(self.folder / "checkpoint.npz") as temporary:
                trees.save(temporary, tree)
                files.sync(temporary)
                name = f"step-{step:09d}-{_checksum(temporary)}.npz"
                path = temporary.replace(self.folder / name)
            files.sync(self.folder)
            for old in self._paths()[_KEPT:]:
                old.unlink()
        return path

    def newest(self) -> Any:
        """Returns the newest checkpoint that is whole, None where there is none.

        One that is damaged is told of and removed, and so is one that was being written
        when its process died.

        Raises:
            KerastpuError: a file cannot be read or removed.
        """
        if self.folder.is_dir():
            with self._named_errors():
                files.remove_temporary(self.folder)
        for path in self._paths():
            with self._named_errors():
                if path.stem.endswith(_checksum(path)):
                    return trees.load(path)
                LOG.warning("%s is damaged; the one before it is taken", path)
                path.unlink()
        return None

    def check(self, identity: Mapping[str, Any]) -> None:
        """Checks that the newest one, if there is any, was made in the same way.

        Args:
            identity: what it must have been made with, by name.

        Raises:
            UsageError: it was made with other data or another number of replicas, say.
            KerastpuError: it cannot be read.
        """
        tree = self.newest()
        if tree is None:
            return
        for name, ours in identity.items():
            theirs = tree["identity"].get(name)
            if theirs != ours:
                raise UsageError(
                    f"{self.folder} holds a run that was begun with {name} {theirs}, "
                    f"and here it is {ours}; name another workdir"
                )

    def remove(self) -> None:
        """Removes all of them: the run has finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        """Returns the files, the newest first."""
        found = []
        for path in self.folder.glob("step-*.npz"):
            match = _NAME.fullmatch(path.name)
            if match:
                found.append((int(match[1]), path.stat().st_mtime_ns, path))
        return [path for *_, path in sorted(found, reverse=True)]

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kept = self._paths()
            left = f"{kept[0].name} stays" if kept else "there is none"
            raise KerastpuError(
                f"checkpoints cannot be kept in {self.folder}: "
                f"{error.strerror or error}; {left}"
            ) from error


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
