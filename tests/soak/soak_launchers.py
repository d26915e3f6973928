"""A process of a group is killed, as users start groups: by --processes and by torchrun (R5)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from interrupted import Whole
from small_runs import final_bytes, pretraining_command

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
PATIENCE = 600.0


def children(pid: int) -> list[int]:
    """The processes that a process has started and that train."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    loaded = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in found}
    return [child for child, line in loaded.items() if b"resource_tracker" not in line]


def begin(arguments: list[str], log: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    with log.open("w") as file:
        return subprocess.Popen(command, stderr=file, stdout=file, env=environment, text=True)


def kill_one(process: subprocess.Popen[str], folder: Path, log: Path, rank: int) -> None:
    metrics = folder / "metrics.jsonl"
    while not metrics.exists() or metrics.read_bytes().count(b'"train"') < 10:
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(log.read_text())
    os.kill(children(process.pid)[rank], signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.cases(ci=1, nightly=10)
def test_r5_torchrun_starts_the_group_again_and_it_goes_on_by_itself(
    whole_of_two: Whole, tmp_path: Path, case: int
) -> None:
    folder, log = tmp_path / "run", tmp_path / "log"
    command = pretraining_command(whole_of_two.corpus, folder, *whole_of_two.options)
    process = begin([*TORCHRUN, "--max-restarts=1", "-m", "litebert", *command], log)
    kill_one(process, folder, log, case % 2)
    assert process.wait(PATIENCE) == 0, log.read_text()
    assert final_bytes(folder) == whole_of_two.sha256
    assert "resumed at step" in (folder / "log.txt").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.cases(ci=1, nightly=10)
def test_r5_processes_of_our_own_end_with_one_line_and_resume(
    whole_of_two: Whole, tmp_path: Path, case: int
) -> None:
    folder, log = tmp_path / "run", tmp_path / "log"
    command = pretraining_command(whole_of_two.corpus, folder, *whole_of_two.options)
    command = ["-m", "litebert", *command, "--processes", "2"]
    process = begin(command, log)
    kill_one(process, folder, log, case % 2)
    assert process.wait(PATIENCE) == 3, log.read_text()
    said = [line for line in log.read_text().splitlines() if line.startswith("litebert: ")]
    assert len(said) == 1
    assert f"process {case % 2 + 1} of 2 was ended by SIGKILL" in said[0]
    assert begin([*command, "--resume"], log).wait(PATIENCE) == 0, log.read_text()
    assert final_bytes(folder) == whole_of_two.sha256
