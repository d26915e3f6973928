"""Faults at every point where a piece of code touches the disk, by watching its calls into C.

Nothing of ours is replaced: Python reports each call of a built-in function to a profiler, which
counts those that change the disk, and kills the process after the n-th of them, or lets it fail.
"""

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

WRITES = {"write", "writelines", "flush", "fsync", "serialize_file", "truncate"}
CHANGES = {*WRITES, "open", "close", "replace", "rename", "unlink", "mkdir", "rmdir"}
_FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom, io.FileIO)
SOURCE = f"{os.sep}litebert{os.sep}"
LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("torch", "matplotlib", "importlib"))

Place = tuple[str, str, int]  # the function called, and the file and line that did it


def crash_after(number: int, work: Callable[[], object]) -> int:
    """Do `work`, and be killed right after the n-th call that changes the disk.

    Returns the number of such calls where there were fewer.
    """
    count = 0

    def watch(frame: FrameType, event: str, called: Any) -> None:
        nonlocal count
        if event == "c_return" and called.__name__ in CHANGES and _ours(frame, called):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    _watched(watch, work)
    return count


def writers(work: Callable[[], object]) -> list[Place]:
    """Do `work`; the places it writes from, in the order they were first used."""
    seen: dict[Place, None] = {}

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called.__name__ in WRITES and _ours(frame, called):
            seen.setdefault(_place(frame, called))

    _watched(watch, work)
    return list(seen)


def fill_disk_at(place: Place, work: Callable[[], object]) -> None:
    """Do `work` on a disk that is full when something is first written from a place."""
    full = False

    def watch(frame: FrameType, event: str, called: Any) -> None:
        nonlocal full
        if full or event != "c_call" or called.__name__ not in WRITES:
            return
        if _ours(frame, called) and _place(frame, called) == place:
            full = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    _watched(watch, work)


def _watched(watch: Any, work: Callable[[], object]) -> None:
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _ours(frame: FrameType, called: Any) -> bool:
    """Whether litebert, or a library that it has called, calls into the system or a real file."""
    target = getattr(called, "__self__", None)
    real = isinstance(target, _FILES) and target not in (sys.stdout, sys.stderr)
    system = called.__module__ in ("posix", "io", "_io") and not isinstance(target, io.IOBase)
    return (real or system or called.__name__ == "serialize_file") and _innermost(frame) is not None


def _place(frame: FrameType, called: Any) -> Place:
    ours = _innermost(frame)
    assert ours is not None
    return called.__name__, ours.f_code.co_filename, ours.f_lineno


def _innermost(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of litebert's own code: not where it shows progress, nor where a library
    keeps something for itself."""
    while frame is not None:
        path = frame.f_code.co_filename
        if any(library in path for library in LIBRARIES):
            return None
        if SOURCE in path:
            return None if Path(path).name == "progress.py" else frame
        frame = frame.f_back
    return None
