"""One process at a time: an advisory lock that the system takes back from the dead."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there, two processes must not prepare the same folder
    fcntl = None  # type: ignore[assignment]

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Waits until no other process or thread holds the lock file `path`, and holds it.

    The file is removed at the end; that of a killed process is taken over.

    Raises:
        OSError: it cannot be made or locked.
    """
    while True:
        with path.open("a") as file:
            _lock(file.fileno(), path)
            # Whoever held it before has removed the file that was waited for.
            if _is_at(file.fileno(), path):
                try:
                    yield
                finally:
                    # Windows does not remove what is open.
                    with contextlib.suppress(PermissionError):
                        path.unlink(missing_ok=True)
                return


def _lock(descriptor: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        LOG.warning("another process holds %s: waiting until it is done", path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _is_at(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
