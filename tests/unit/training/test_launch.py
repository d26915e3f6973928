"""Launched processes know who they are; signals reach all; what went wrong is said once."""

import os
import signal
from pathlib import Path

import pytest

from launched import launched
from processes import ended, start


def test_each_process_knows_its_place(tmp_path: Path) -> None:
    assert ended(start(launched, tmp_path, "work", log=tmp_path / "log")) == 0
    assert [(tmp_path / rank).read_text() for rank in "01"] == ["2", "2"]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("mistake", 2, "lamps: there are none\n"),
        ("killed", 3, "process 2 of 2 was ended by SIGKILL (killed, or out of memory)"),
    ],
)
def test_the_cause_is_raised_and_not_its_echo(
    tmp_path: Path, kind: str, code: int, words: str
) -> None:
    assert ended(start(launched, tmp_path, kind, log=tmp_path / "log")) == code
    assert (tmp_path / "log").read_text().startswith(words)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_all_even_if_it_kills_the_launcher(tmp_path: Path, number: int) -> None:
    process = start(launched, tmp_path, "stop me", log=tmp_path / "log")
    while not all((tmp_path / f"{rank}.ready").exists() for rank in "01"):
        process.join(0.01)
        assert process.exitcode is None, (tmp_path / "log").read_text()
    os.kill(process.pid, number)
    assert ended(process) == (128 + number if number != signal.SIGKILL else -number)
    while not all((tmp_path / rank).exists() for rank in "01"):
        process.join(0.01)
