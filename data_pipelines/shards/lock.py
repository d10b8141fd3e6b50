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
def hold(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the lock file `path`, which no other process or thread then holds.

    It has the number of the process in it. It is removed at the end, unless it is no
    longer the same file; that of a killed process is taken over.

    Args:
        path: Of the file.
        wait: Whether to wait until nobody else holds it.

    Raises:
        BlockingIOError: it is held, and is not to be waited for.
        OSError: it cannot be made or locked.
    """
    while True:
        with path.open("a") as file:
            _lock(file.fileno(), path, wait)
            # Whoever held it before has removed the file that was waited for.
            if _is_at(file.fileno(), path):
                file.truncate(0)
                file.write(str(os.getpid()))
                file.flush()
                try:
                    yield
                finally:
                    # Windows does not remove what is open.
                    with contextlib.suppress(PermissionError):
                        if _is_at(file.fileno(), path):
                            path.unlink(missing_ok=True)
                return


def _lock(descriptor: int, path: Path, wait: bool) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            raise
        LOG.warning("another process holds %s: waiting until it is done", path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _is_at(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
