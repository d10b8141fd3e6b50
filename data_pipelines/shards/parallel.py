"""Threads that work ahead of whoever takes the results."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MAX_THREADS = 16
_GROUP = 8  # items per task: handing a task over costs as much as checking a tiny image


def map_ordered(
    function: Callable[[T], R], items: Iterable[T]
) -> Generator[R, None, None]:
    """Yields function(item) for every item, in order, computed by a thread per core.

    At most 16 items per thread are in work or waiting to be taken, so memory does not
    grow with their number, and no thread waits for the slowest of a batch.
    """
    rest = iter(items)
    groups = iter(lambda: tuple(itertools.islice(rest, _GROUP)), ())

    def run(group: tuple[T, ...]) -> list[R]:
        return [function(item) for item in group]

    num_threads = min(_MAX_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(num_threads)
    try:
        first = itertools.islice(groups, 2 * num_threads)
        window = deque(pool.submit(run, group) for group in first)
        while window:
            results = window.popleft().result()
            following = itertools.islice(groups, 1)
            window.extend(pool.submit(run, group) for group in following)
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)
