"""Processes of their own for tests that kill: started quickly, as litebert is loaded once."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from litebert.training.launch import rank_environment

PATIENCE = 240.0  # seconds: only what hangs takes so long, on a machine however busy

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["litebert.cli.main", "litebert.pretraining.run"])


def start(
    function: Callable[..., int | None],
    *arguments: object,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> ForkServerProcess:
    """Begin to call a function, which tests can import, in a process whose output goes to `log`.

    It ends with the function's result as its exit code.
    """
    process = _CONTEXT.Process(
        target=_enter, args=(function, arguments, str(log), dict(environment or {}))
    )
    process.start()
    return process


def ended(process: ForkServerProcess, patience: float = PATIENCE) -> int:
    """Wait for a process and return its exit code, the negative signal where one killed it."""
    process.join(patience)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"process {process.pid} did not end within {patience:.0f} s")
    return process.exitcode


@contextmanager
def group(
    function: Callable[..., int | None], arguments: Sequence[object], log: Path, size: int = 2
):
    """Such processes as the ranks of a group, each with its own log (`NAME.0`, `NAME.1` …)."""
    from torch.distributed import TCPStore

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    ranks = [
        start(
            function,
            *arguments,
            log=log.with_name(f"{log.name}.{rank}"),
            environment=rank_environment(rank, size, store.port),
        )
        for rank in range(size)
    ]
    try:
        yield ranks
    finally:
        for process in ranks:
            process.kill()
            process.join()


def _enter(
    function: Callable[..., int | None],
    arguments: Sequence[object],
    log: str,
    environment: dict[str, str],
) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(function(*arguments))
