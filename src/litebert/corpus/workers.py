"""A function applied to many jobs by several processes, the results in the jobs' order."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from litebert.foundation.errors import CorpusError

J = TypeVar("J")
R = TypeVar("R")


def in_order(function: Callable[[J], R], jobs: Iterable[J], workers: int) -> Iterator[tuple[J, R]]:
    """Apply `function` to every job, in `workers` processes, and yield the results in order.

    A bounded number of jobs is in flight. Raises CorpusError when a worker process dies.
    """
    if workers == 1:
        for job in jobs:
            yield job, function(job)
        return
    pool = open_pool(function, workers)
    waiting: deque[tuple[J, Future[R]]] = deque()
    try:
        for job in jobs:
            waiting.append((job, pool.submit(run_job, job)))
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    except BrokenProcessPool:
        raise CorpusError(
            "a worker process ended before its time (killed, out of memory, or called from a "
            'script without `if __name__ == "__main__":`): try fewer workers; nothing was written'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def open_pool(function: Callable[[J], Any], workers: int) -> ProcessPoolExecutor:
    """Worker processes that hold a function, to be given jobs by `submit(run_job, job)`.

    They leave Ctrl-C to this process, and end with it.
    """
    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (function,))


def run_job(job: Any) -> Any:
    """In a worker: its function of the job."""
    assert _function is not None
    return _function(job)


_function: Callable[[Any], Any] | None = None


def _start_worker(function: Callable[[Any], Any]) -> None:
    """Prepare a worker: keep its function, leave Ctrl-C to the parent, end when the parent ends."""
    global _function
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
