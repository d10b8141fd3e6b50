"""SIGTERM and Ctrl-C: what is done is saved, and one line says how to go on."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

LOG = logging.getLogger("kerastpu")

# A scheduler that asks a process to end kills it after 10 s (Docker) or more.
GRACE_SECONDS = 8.0

_IMPORTS = "<frozen importlib._bootstrap>"
_SHORTLY = 0.05  # seconds until a signal that came there is looked at


class Stopped(BaseException):
    """The process was asked to stop. Like KeyboardInterrupt no `Exception`."""


class Stopping:
    """Whether this process was asked to stop.

    Attributes:
        is_deferred: whether whoever set it looks at `is_asked` and then stops; else
            `Stopped` is raised as soon as the signal comes.
        is_asked: whether a signal has come.
    """

    def __init__(self) -> None:
        self.is_deferred = self.is_asked = False
        self.signal = 0
        self._timer: threading.Timer | None = None

    def stop_if_asked(self) -> None:
        """Does so, and from now on at once.

        Raises:
            Stopped: a signal has come.
        """
        self.is_deferred = False
        if self.is_asked:
            raise Stopped

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Is called with a signal, in the main thread.

        Raises:
            Stopped: not deferred.
            KeyboardInterrupt: Ctrl-C for the second time.
        """
        if not self.is_deferred and _is_dropping(frame):
            again = threading.Timer(_SHORTLY, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        if self.is_asked:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self.is_asked, self.signal = True, number
        if number == signal.SIGTERM:
            self._timer = threading.Timer(GRACE_SECONDS, _leave)
            self._timer.daemon = True
            self._timer.start()
        if not self.is_deferred:
            raise Stopped

    def end(self) -> None:
        """Nothing is left to be stopped: whoever called goes on as it likes."""
        if self._timer is not None:
            self._timer.cancel()


def _is_dropping(frame: FrameType | None) -> bool:
    """Whether Python may drop what is raised there: in a callback of its imports."""
    return frame is not None and frame.f_code.co_filename == _IMPORTS


def _leave() -> None:
    """Ends the process, whatever it waits for: no file is ever half-written."""
    LOG.warning("no step ended within %.0f s: stopped without it", GRACE_SECONDS)
    os._exit(0)


@contextlib.contextmanager
def watching() -> Iterator[Stopping]:
    """Lets work that goes on in the block be stopped and taken up again later.

    In a thread other than the main one, which signals do not reach, nothing changes.
    Nor does it for a signal that is ignored, as Ctrl-C is by what a script runs with &.

    Yields:
        What the work can ask, and by which it can wait for a good moment.

    Raises:
        SystemExit: with code 0, after SIGTERM.
        KeyboardInterrupt: after Ctrl-C.
    """
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {
        number: signal.signal(number, stopping.handle)
        for number in (signal.SIGTERM, signal.SIGINT)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield stopping
    except Stopped:
        name = signal.Signals(stopping.signal).name
        LOG.warning("stopped by %s; the same command goes on from here", name)
        if stopping.signal == signal.SIGTERM:
            raise SystemExit(0) from None
        raise KeyboardInterrupt from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stopping.end()
