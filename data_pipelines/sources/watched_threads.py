"""Threads for calls that may never return."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_ENDED = object()


def run_watched(
    work: Callable[[T], Iterable[R]],
    items: Sequence[T],
    *,
    seconds: float,
    errors: tuple[type[BaseException], ...],
    num_threads: int = 1,
) -> Iterator[R]:
    """Yields what `work` yields for all items, as it comes.

    Unlike those of a ThreadPoolExecutor, the threads do not keep the process from
    ending: a native call cannot be interrupted, only left alone.

    Args:
        work: Called in a thread for each item.
        items: What there is to do.
        seconds: How long nothing may come from any thread.
        errors: What `work` may raise.
        num_threads: How many items are worked on at once.

    Raises:
        TimeoutError: nothing came for `seconds`.
        BaseException: one of `errors`, the first that `work` raised.
    """
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    reports: queue.SimpleQueue[Any] = queue.SimpleQueue()
    is_over = threading.Event()

    def run() -> None:
        try:
            while not is_over.is_set():
                for result in work(waiting.get_nowait()):
                    reports.put(result)
                    if is_over.is_set():
                        return
        except queue.Empty:
            return
        except errors as error:
            reports.put(error)
        finally:
            reports.put(_ENDED)

    for item in items:
        waiting.put(item)
    num_running = min(num_threads, len(items))
    for _ in range(num_running):
        threading.Thread(target=run, daemon=True).start()
    try:
        while num_running:
            report = _take(reports, seconds)
            if report is _ENDED:
                num_running -= 1
            elif isinstance(report, errors):
                raise report
            else:
                yield report
    finally:
        is_over.set()


def _take(reports: "queue.SimpleQueue[Any]", seconds: float) -> Any:
    try:
        return reports.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer for {seconds:.0f} s") from None
