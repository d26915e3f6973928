"""A run folder belongs to one process at a time."""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from litebert.foundation.errors import StorageError
from litebert.foundation.files import storage_errors

LOCK = "run.lock"  # the file in a run folder that says who writes there


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep others out of a run folder, which is made if it is not there, while the block runs.

    The system lets go of a lock whose process has ended, however it ended: nothing stale remains.
    Where the system has no such locks (Windows, some network disks), nobody is kept out.
    A folder that was made here and stays empty is removed. Raises StorageError that names the
    process which has the folder.
    """
    path = Path(folder) / LOCK
    made = not path.parent.exists()
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _acquired(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()
        if made:
            with suppress(OSError):  # it holds a run now
                path.parent.rmdir()


def _acquired(path: Path) -> IO[str]:
    """The lock's file, locked, with our name in it."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  it stays open with the lock
        if not _try_to_lock(file):
            with file:
                raise StorageError(_taken(path, file))
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            break
        file.close()  # its owner has just removed it: what we locked is no longer there
    file.truncate(0)
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
    file.flush()
    return file


def _try_to_lock(file: IO[str]) -> bool:
    """Whether nobody else has the lock; True where there are no locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
    return True


def _taken(path: Path, file: IO[str]) -> str:
    """Who has the folder, as far as the file says."""
    file.seek(0)
    try:
        owner: dict[str, Any] = json.load(file)
        who = f"process {owner['pid']} on {owner['host']} (since {owner['since']})"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return f"{path.parent} is in use by {who}: wait for it, stop it, or name another folder"
