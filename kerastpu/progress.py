"""Progress with an ETA: a bar in a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich import progress as rich_progress

Update = Callable[[int, int], None]

LINE_SECONDS = 5.0


@contextmanager
def progress(title: str, unit: str = "") -> Iterator[Update]:
    """Shows the progress of one stretch of work on standard error.

    Args:
        title: what is being done, a few words.
        unit: what is counted, such as images, to show how many a second; else it is
            not shown.

    Yields:
        `update(done, total)`, called as often as one likes.
    """
    shown = _bar(title, unit) if sys.stderr.isatty() else _lines(title, unit)
    with shown as update:
        yield update


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Update]:
    from rich import progress as rich_progress  # slow to import, not always needed
    from rich.console import Console

    columns = (
        rich_progress.TextColumn("{task.description:<24}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        *([_rate_column(unit)] if unit else []),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TextColumn("left"),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, visible=False)
        yield lambda done, total: bar.update(
            task, completed=done, total=total, visible=True
        )


def _rate_column(unit: str) -> "rich_progress.ProgressColumn":
    """Returns a column that shows how many a second."""
    from rich import progress as rich_progress

    class RateColumn(rich_progress.ProgressColumn):
        def render(self, task: "rich_progress.Task") -> str:
            return "" if task.speed is None else f"{task.speed:.0f} {unit}/s"

    return RateColumn()


@contextmanager
def _lines(title: str, unit: str) -> Iterator[Update]:
    start = last = time.monotonic()
    state = (0, 0)
    first: int | None = None  # work gone on with was partly done before

    def update(done: int, total: int) -> None:
        nonlocal last, state, first
        first = done if first is None else first
        state = (done, total)
        now = time.monotonic()
        if now - last < LINE_SECONDS or done == first:
            return
        last = now
        speed = (done - first) / (now - start)
        told = f" at {speed:.0f} {unit}/s" if unit else ""
        left = (total - done) / speed
        print(f"{title}: {done}/{total}{told}, {left:.0f} s left", file=sys.stderr)

    yield update
    if not state[1]:
        return  # nothing had to be done
    seconds = time.monotonic() - start
    print(f"{title}: {state[0]}/{state[1]} in {seconds:.1f} s", file=sys.stderr)
