"""One process at a time trains in a run folder."""

import contextlib
from pathlib import Path
from typing import Any

from data_pipelines.shards import lock
from kerastpu.errors import KerastpuError, UsageError

NAME = ".lock"


class RunLock:
    """Keeps other processes out of a run folder, from `take` to the end of a block.

    The lock of a process that died counts nothing.

    Args:
        workdir: the run folder.
    """

    def __init__(self, workdir: Path):
        self.workdir = workdir
        self._held = contextlib.ExitStack()
        self._is_held = False

    def __enter__(self) -> "RunLock":
        return self

    def __exit__(self, *error: Any) -> None:
        self._held.close()

    def take(self) -> None:
        """Makes the folder where it is absent, and locks it unless that is done.

        Raises:
            UsageError: another process trains in it; names the process.
            KerastpuError: it cannot be made or written to.
        """
        if self._is_held:
            return
        path = self.workdir / NAME
        try:
            self.workdir.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(lock.hold(path, wait=False))
        except BlockingIOError:
            raise UsageError(
                f"process {_holder(path)} trains in {self.workdir}; wait until it is "
                "done, or name another folder"
            ) from None
        except OSError as error:
            raise KerastpuError(
                f"cannot write to {self.workdir}: {error.strerror}"
            ) from None
        self._is_held = True


def _holder(path: Path) -> str:
    """Returns the number of the process that holds the lock."""
    try:
        return path.read_text(encoding="utf-8") or "unknown"
    except OSError:  # it has just ended
        return "unknown"
