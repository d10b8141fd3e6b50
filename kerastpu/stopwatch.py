"""How long each part of a run took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds of each phase of a run."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.phases: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time spent inside to phase `name`."""
        start = time.monotonic()
        yield
        self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - start

    def add(self, name: str, seconds: float) -> None:
        """Adds time that phase `name` took in an earlier process."""
        self.phases[name] = self.phases.get(name, 0.0) + seconds
        self.start -= seconds

    def seconds(self) -> dict[str, float]:
        """Returns seconds by phase, and since the start as "total"."""
        total = time.monotonic() - self.start
        return {k: round(v, 2) for k, v in (self.phases | {"total": total}).items()}
