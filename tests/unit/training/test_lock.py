"""Two runs never write into one folder; the lock of a process that is no more keeps nobody out."""

import os
import socket
from pathlib import Path

import pytest

from litebert.foundation.errors import StorageError
from litebert.training.lock import LOCK, lock_folder
from processes import ended, start


def hold(folder: Path, gate: Path) -> int:
    """Take the lock, say so by a file, and keep it until killed."""
    with lock_folder(folder):
        gate.touch()
        os.kill(os.getpid(), 19)  # SIGSTOP: it stands still
    return 0


def test_a_folder_in_use_is_refused_and_its_user_named(tmp_path: Path) -> None:
    said = rf"run is in use by process {os.getpid()} on {socket.gethostname()} \(since 20"
    with lock_folder(tmp_path / "run"):
        with pytest.raises(StorageError, match=said), lock_folder(tmp_path / "run"):
            pass
        assert (tmp_path / "run" / LOCK).exists()  # it is still the first one's
    with lock_folder(tmp_path / "run"):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = start(hold, tmp_path / "run", gate, log=tmp_path / "log")
    while not gate.exists():
        process.join(0.01)
    with pytest.raises(StorageError, match=f"process {process.pid} on "):  # noqa: SIM117
        with lock_folder(tmp_path / "run"):
            pass
    process.kill()
    assert ended(process) == -9
    assert (tmp_path / "run" / LOCK).exists()
    with lock_folder(tmp_path / "run"):
        pass
    assert not (tmp_path / "run" / LOCK).exists()


def test_a_folder_made_for_a_run_that_never_began_is_removed(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "a" / "run"):
        pass
    assert not (tmp_path / "a" / "run").exists()
    (tmp_path / "mine").mkdir()
    with lock_folder(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").exists()
    with lock_folder(tmp_path / "kept"):
        (tmp_path / "kept" / "run.json").touch()
    assert (tmp_path / "kept" / "run.json").exists()


def test_a_lock_that_says_nothing_still_locks(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        (tmp_path / LOCK).write_text("{")
        with pytest.raises(StorageError, match="in use by another process"), lock_folder(tmp_path):
            pass
