"""Starts the processes of a run on this machine, passes signals on, and tells how they ended.

The children find each other as under torchrun: through environment variables and a store, which
lives in the launching process. That process trains nothing.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any

from litebert.foundation.errors import LitebertError, LostProcessError

GRACE_SECONDS = 15.0  # for the others to end by themselves when one has failed
LOCALHOST = "127.0.0.1"


@dataclass
class _Child:
    """A rank's process and the pipe its error comes through; how it ended, once it has."""

    rank: int
    process: SpawnProcess
    pipe: Connection
    code: int | None = None
    error: Exception | None = None

    def look(self) -> None:
        """Learn whether it has ended, and with which error."""
        self.process.join(0)
        self.code = self.process.exitcode
        if self.error is None and self.pipe.poll():
            try:
                self.error = self.pipe.recv()
            except EOFError:  # it ended without a word
                return


def launch(function: Callable[..., object], arguments: Sequence[Any], processes: int) -> int | None:
    """Call `function(*arguments)` in so many processes; return the signal that ended them, if any.

    SIGINT and SIGTERM are passed on, so that all can stop at the same step. Where one process
    fails, the others are stopped, and its error is raised: LostProcessError when it was killed.
    Function and arguments are pickled to get there, as multiprocessing does.
    """
    # Imported here, so that a child does not import torch before it knows what to do.
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    store = TCPStore(LOCALHOST, 0, is_master=True, wait_for_workers=False)
    children: list[_Child] = []
    with _signals_passed_on(children) as received:
        try:
            for rank in range(processes):
                environment = rank_environment(rank, processes, store.port)
                children.append(_start(rank, environment, function, arguments))
            _wait(children)
        finally:
            for child in children:
                child.process.kill()
                child.process.join()
    _raise_failure(children, interrupted=bool(received))
    return received[0] if received else None


def rank_environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What torchrun would tell a rank: who it is, and the port of the store on this machine."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": LOCALHOST,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store is not the first rank's
        "TORCHELASTIC_RESTART_COUNT": "0",
        # All are on this machine, whatever its network looks like.
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", _loopback()),
    }


def _start(
    rank: int,
    environment: dict[str, str],
    function: Callable[..., object],
    arguments: Sequence[Any],
) -> _Child:
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_enter, args=(environment, theirs, function, tuple(arguments)), name=f"rank {rank}"
    )
    process.start()
    theirs.close()
    return _Child(rank, process, ours)


def _enter(
    environment: dict[str, str],
    pipe: Connection,
    function: Callable[..., object],
    arguments: Sequence[Any],
) -> None:
    """A rank's life: its errors go to the launcher, which says one of them."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches all; the launcher passes it on
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        function(*arguments)
    except LitebertError as error:
        pipe.send(error.with_traceback(None))
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001  it goes on in the launcher, with this traceback
        pipe.send(RuntimeError(f"in rank {environment['RANK']}:\n{traceback.format_exc()}"))
        sys.exit(1)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """When the launcher is gone, save and end as after a SIGTERM."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _wait(children: Sequence[_Child]) -> None:
    """Until all have ended, or one has failed and the others had their time to notice it."""
    deadline = None
    while running := [child for child in children if child.code is None]:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ended = wait([child.process.sentinel for child in running], left)
        for child in running:
            child.look()
        if deadline is not None and not ended:
            return
        if deadline is None and any(child.code for child in children):
            deadline = time.monotonic() + GRACE_SECONDS


def _raise_failure(children: Sequence[_Child], interrupted: bool) -> None:
    """Raise what began it: an error, rather than its echo in a process that waited for that one.

    After an interruption a process may end in the middle of what others wait for.
    """
    errors = [child.error for child in children if child.error is not None]
    causes = [error for error in errors if not isinstance(error, LostProcessError)]
    if causes:
        raise causes[0]
    if interrupted:
        return
    for child in children:
        if child.code and child.error is None:
            killed = f"was ended by {_signal_name(-child.code)} (killed, or out of memory)"
            end = killed if child.code < 0 else f"ended with exit code {child.code}"
            raise LostProcessError(
                f"process {child.rank + 1} of {len(children)} {end}, and the others were stopped; "
                "the checkpoints are whole, and --resume goes on from the newest"
            )
    if errors:
        raise errors[0]


@contextmanager
def _signals_passed_on(children: list[_Child]) -> Iterator[list[int]]:
    """Send every SIGINT and SIGTERM on as SIGTERM; gives the list of those received.

    A second one makes the children end at once, as it does for a single process.
    """
    received: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for child in children:
            if child.process.is_alive():
                child.process.terminate()

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _loopback() -> str:
    return "lo0" if sys.platform == "darwin" else "lo"
