"""Checkpoints whose weights all have one value, for tests that break their writing."""

import os
import signal
from pathlib import Path

import torch

from faultpoints import crash_after
from litebert.foundation.files import remove_leftovers
from litebert.optim import build_optimizer
from litebert.training.checkpoint import (
    Snapshot,
    TrainingState,
    list_checkpoints,
    load_checkpoint,
    newest_checkpoint,
    step_of,
    write_checkpoint,
)
from litebert.training.writer import CheckpointWriter
from processes import ended, start
from regression import Regression


def snapshot(value: float) -> Snapshot:
    """What is saved of a trained regression, all its weights being `value`."""
    task = Regression()
    optimizer = build_optimizer("adamw", task.model.named_parameters(), 0.1)
    for parameter in task.model.parameters():
        parameter.grad = torch.full_like(parameter, value)
    optimizer.step()
    with torch.no_grad():
        for parameter in task.model.parameters():
            parameter.fill_(value)
    return Snapshot.take(task.model, optimizer)


def values_in(path: Path) -> set[float]:
    """The values of all weights of a checkpoint."""
    task = Regression()
    optimizer = build_optimizer("adamw", task.model.named_parameters(), 0.1)
    load_checkpoint(path, task.model, optimizer)
    return {value for p in task.model.parameters() for value in p.flatten().tolist()}


def saved_steps(folder: Path) -> list[int]:
    """The steps of the checkpoints in a folder."""
    return [step_of(path) for path in list_checkpoints(folder)]


def save_second(folder: Path) -> None:
    """Save the checkpoint of step 2, which takes the place of any before it."""
    with CheckpointWriter(folder, keep=1) as writer:
        writer.save(snapshot(2.0), TrainingState(step=2))


def crash_in_saves(place: Path, first: int, stride: int) -> int:
    """Kill a save at its points `first`, `first + stride` … to its end; returns how many.

    Asserts that the newest whole checkpoint is then the one before or the new one, and that
    nothing is left behind once the save has been made again.
    """
    process = start(_crash_in_turn, place, first, stride, log=place / "log")
    assert ended(process, patience=600) == 0, (place / "log").read_text()
    return int((place / "count").read_text())


def _crash_in_turn(place: Path, first: int, stride: int) -> int:
    """The same, in a process that may fork, as it has no threads."""
    point = first
    while True:
        folder = place / str(point)
        write_checkpoint(folder, snapshot(1.0), TrainingState(step=1))
        child = os.fork()
        if child == 0:
            crash_after(point, lambda: save_second(folder))  # noqa: B023  it is done at once
            os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 1:  # it has no such point
            (place / "count").write_text(str((point - first) // stride))
            return 0
        assert code == -signal.SIGKILL
        newest = newest_checkpoint(folder)
        assert newest is not None
        assert values_in(newest) == {float(step_of(newest))}
        remove_leftovers(folder)
        save_second(folder)
        assert [path.name for path in folder.iterdir()] == ["step-00000002"]
        assert values_in(folder / "step-00000002") == {2.0}
        point += stride
