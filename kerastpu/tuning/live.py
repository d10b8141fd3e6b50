"""The table of a study as it goes on: redrawn in a terminal, else a line at times."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kerastpu.progress import LINE_SECONDS
from kerastpu.tuning import study_text
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study
from kerastpu.tuning.tune import Show

_ROWS = 12
_REDRAW_SECONDS = 0.5


@contextmanager
def table() -> Iterator[Show]:
    """Shows studies on standard error.

    Yields:
        What `tune` calls whenever an epoch or a job is done.
    """
    shown = _redrawn() if sys.stderr.isatty() else _lines()
    with shown as show:
        yield show


@contextmanager
def _redrawn() -> Iterator[Show]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    last = 0.0

    with Live(console=Console(stderr=True), auto_refresh=False) as live:

        def show(study: Study, made: Settings) -> None:
            nonlocal last
            if time.monotonic() - last < _REDRAW_SECONDS and not study.is_over:
                return
            last = time.monotonic()
            text = [study_text.headline(study, made)]
            text += study_text.table(study, made, _ROWS)
            live.update(Text("\n".join(text), no_wrap=True), refresh=True)

        yield show


@contextmanager
def _lines() -> Iterator[Show]:
    last = time.monotonic()

    def show(study: Study, made: Settings) -> None:
        nonlocal last
        if time.monotonic() - last < LINE_SECONDS and not study.is_over:
            return
        last = time.monotonic()
        print(study_text.headline(study, made), file=sys.stderr)

    yield show
