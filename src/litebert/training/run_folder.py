"""The run folder: what was asked for, what it was resolved to, and whether a resume may go on.

`run.json` holds the settings as given and everything that was chosen once (steps, machine, model);
`environment.json` says where it ran. Both are written when training is about to begin.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from litebert.foundation.errors import ConfigError, DataError, ResumeError, StorageError
from litebert.foundation.files import read_json, remove_leftovers, require_vacant, write_json
from litebert.foundation.progress import console
from litebert.foundation.settings import Settings, differences
from litebert.training.checkpoint import (
    CHECKPOINTS,
    TrainingState,
    load_checkpoint,
    newest_checkpoint,
)
from litebert.training.journal import Journal
from litebert.training.lock import LOCK
from litebert.training.machine import MachineSettings, describe_environment, resolve_machine

RUN = "run.json"
ENVIRONMENT = "environment.json"
CHANGES_BITS = ("processor", "gpu", "packages.torch")  # of the environment

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json: the command, its settings, and what they were resolved to."""

    command: str
    settings: dict[str, Any]
    resolved: dict[str, Any]


def require_new(folder: Path, besides: Collection[str] = ()) -> None:
    """Raise StorageError when a run cannot begin in `folder`: it is a file, or holds something.

    Its lock, what a run left that was killed while it began, and `besides` do not count.
    """
    path = Path(folder)
    own = {LOCK, ENVIRONMENT, *besides}
    require_vacant(path, replace=True)
    if path.is_dir() and {p.name for p in path.iterdir() if p.suffix != ".tmp"} - own:
        raise StorageError(f"{path} exists and is not empty: name another folder, or remove it")


def begin_run(folder: Path, record: RunRecord) -> None:
    """Write run.json and environment.json into a vacant folder.

    Raises StorageError when the folder holds something already.
    """
    require_new(folder)
    write_json(folder / ENVIRONMENT, describe_environment())
    write_record(folder / RUN, record)


def write_record(path: Path, record: RunRecord) -> None:
    """Write a record with its checksum. Raises StorageError where it cannot be."""
    write_json(path, {**vars(record), "sha256": _digest(record)})


def read_run(folder: Path, command: str) -> RunRecord:
    """The record of the run in `folder`, to be resumed by `command`, as `read_record`."""
    return read_record(Path(folder) / RUN, command)


def read_record(path: Path, command: str) -> RunRecord:
    """A record of `command`, from the folder of what is to be resumed.

    Raises ResumeError when there is no run, one of another command, or an altered record.
    """
    if not path.is_file():
        raise ResumeError(f"{path.parent} holds no run to resume: leave --resume out to start one")
    values = read_json(path, ResumeError)
    try:
        record = RunRecord(values["command"], values["settings"], values["resolved"])
        written = values["sha256"]
    except (KeyError, TypeError):
        raise ResumeError(f"{path} is not the record of a run: start a new run") from None
    if written != _digest(record):
        raise ResumeError(
            f"{path} was altered since the run began: put it back as it was, or start a new run"
        )
    if record.command != command:
        raise ResumeError(f"{path.parent} is a run of litebert {record.command}, not of {command}")
    return record


def look_up_run(folder: Path) -> RunRecord:
    """The record of a run of any command, to be shown. Raises DataError where it is none."""
    values = read_json(Path(folder) / RUN, DataError)
    try:
        return RunRecord(str(values["command"]), dict(values["settings"]), dict(values["resolved"]))
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{Path(folder) / RUN} is not the record of a run") from None


def stored_settings(record: RunRecord, model: type[S]) -> S:
    """The settings a run began with; those it did not know yet have their defaults.

    Raises ResumeError when it was begun by a version that knew others.
    """
    try:
        return model.parse(record.settings, where=RUN)
    except ConfigError as error:
        raise ResumeError(f"the run was begun by another version of litebert: {error}") from None


def check_unchanged(
    stored: Mapping[str, Any], now: Mapping[str, Any], may_change: Sequence[str] = ()
) -> None:
    """Raise ResumeError, listing what changed, unless only fields in `may_change` differ."""
    changed = [
        line
        for line in differences(stored, now)
        if line.partition(":")[0].rpartition(".")[2] not in may_change
    ]
    if changed:
        raise ResumeError(
            f"a resumed run must keep its settings, but {'; '.join(changed)}: "
            "leave them as they were, or start a new run"
        )


def restore(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> TrainingState:
    """Load the run's newest complete checkpoint; a run that never saved starts again at step 0.

    The metrics of later steps are dropped, and what a killed process left half-written is removed.
    Says so when a checkpoint is damaged and an older one is taken, and when processor, GPU or torch
    are not those the run began on. Raises CheckpointError when no checkpoint is whole.
    """
    for place in (folder, folder / CHECKPOINTS):
        remove_leftovers(place)
    remarks: list[str] = []
    checkpoint = newest_checkpoint(folder / CHECKPOINTS, damaged=remarks.append)
    state = TrainingState()
    if checkpoint is not None:
        state = load_checkpoint(checkpoint, model, optimizer)
    remarks = [f"{remark}: going on from step {state.step}" for remark in remarks]
    journal = Journal(folder)
    journal.forget_after(state.step, state.batches)
    journal.note(f"resumed at step {state.step}")
    for remark in remarks + _environment_changes(folder):
        console().print(remark, markup=False)
        journal.note(remark)
    return state


def resume_machine(
    stored: Mapping[str, Any], processes: int = 1
) -> tuple[MachineSettings, str | None]:
    """The stored device, precision and threads, or the nearest that this machine has for each of
    so many processes.

    The second value says, where the device had to change, that the result will not be bit for bit
    that of an uninterrupted run.
    """
    wanted = MachineSettings.parse(stored, where=RUN)
    offered = resolve_machine(MachineSettings(threads=wanted.threads), processes)
    if wanted.device == "cuda" and offered.device != "cuda":
        return offered, (
            "the run began on a GPU and goes on on the CPU: its result will not be bit for bit "
            "that of an uninterrupted run"
        )
    return wanted.changed(threads=offered.threads), None


def _environment_changes(folder: Path) -> list[str]:
    """Why the result may differ in its last bits from that of an uninterrupted run."""
    began = read_json(folder / ENVIRONMENT, ResumeError)
    return [
        f"{line}: the result may not be bit for bit that of an uninterrupted run"
        for line in differences(began, describe_environment())
        if line.partition(": ")[0] in CHANGES_BITS
    ]


def _digest(record: RunRecord) -> str:
    """SHA-256 of a record's content, by which an altered file is known."""
    return hashlib.sha256(json.dumps(vars(record), sort_keys=True).encode()).hexdigest()
