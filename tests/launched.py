"""What tests have launched processes do; nothing here loads torch, so they start quickly."""

import os
import signal
import sys
from pathlib import Path

from litebert.foundation.errors import ConfigError, LostProcessError
from litebert.training.launch import launch


def launched(folder: Path, kind: str) -> int:
    """Launch two processes that behave in a certain way; exit as the command line does."""
    if kind == "stop me":
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended_by = launch(behave, (folder, kind), 2)
    except LostProcessError as error:
        print(error, file=sys.stderr)
        return 3
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if ended_by is None else 128 + ended_by


def behave(folder: Path, kind: str) -> None:
    """What one of the launched processes does."""
    rank = os.environ["RANK"]
    if kind == "work":
        (folder / rank).write_text(os.environ["WORLD_SIZE"])
    elif kind == "mistake" and rank == "1":
        raise ConfigError("lamps: there are none")
    elif kind == "killed" and rank == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "stop me":
        try:
            (folder / f"{rank}.ready").touch()
            signal.pause()
        finally:
            (folder / rank).write_text("stopped")
    elif kind in ("mistake", "killed"):
        raise LostProcessError("an echo of what happened to the other")
