"""A run is begun in a vacant place, found again by its command, and goes on as it was."""

import json
from pathlib import Path

import pytest
import torch

from litebert.foundation.errors import ResumeError, StorageError
from litebert.optim import build_optimizer
from litebert.training.checkpoint import Snapshot, TrainingState, write_checkpoint
from litebert.training.journal import Journal, read_metrics
from litebert.training.machine import MachineSettings
from litebert.training.run_folder import (
    RunRecord,
    begin_run,
    check_unchanged,
    read_run,
    restore,
    resume_machine,
)
from regression import Regression

RECORD = RunRecord("pretrain", {"training": {"seed": 1}}, {"total_steps": 9})


def parts(folder: Path) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    begin_run(folder, RECORD)
    model = Regression().model
    return model, build_optimizer("adamw", model.named_parameters(), 0.1)


def test_a_run_is_read_back_as_it_was_begun(tmp_path: Path) -> None:
    begin_run(tmp_path / "run", RECORD)
    assert read_run(tmp_path / "run", "pretrain") == RECORD
    with pytest.raises(StorageError, match="not empty"):
        begin_run(tmp_path / "run", RECORD)


def test_what_is_no_run_of_the_command_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="holds no run to resume"):
        read_run(tmp_path, "pretrain")
    begin_run(tmp_path / "run", RECORD)
    with pytest.raises(ResumeError, match="a run of litebert pretrain, not of finetune"):
        read_run(tmp_path / "run", "finetune")
    (tmp_path / "run" / "run.json").write_text('{"command": "pretrain"}')
    with pytest.raises(ResumeError, match="not the record of a run"):
        read_run(tmp_path / "run", "pretrain")


@pytest.mark.parametrize("altered", ['"total_steps": "x"', '"total_steps": 99', '"steps": 9'])
def test_an_altered_record_is_refused(tmp_path: Path, altered: str) -> None:
    begin_run(tmp_path / "run", RECORD)
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"total_steps": 9', altered))
    with pytest.raises(ResumeError, match=r"run\.json was altered since the run began"):
        read_run(tmp_path / "run", "pretrain")


def test_changed_settings_are_listed_unless_they_may_change() -> None:
    stored = {"training": {"seed": 1, "keep": 2}, "corpus": "a"}
    check_unchanged(stored, {"training": {"seed": 1, "keep": 5}, "corpus": "a"}, ("keep",))
    with pytest.raises(ResumeError, match=r"corpus: a → b; training\.seed: 1 → 2"):
        check_unchanged(stored, {"training": {"seed": 2, "keep": 5}, "corpus": "b"}, ("keep",))


def test_a_run_that_never_saved_starts_again(tmp_path: Path) -> None:
    model, optimizer = parts(tmp_path)
    Journal(tmp_path).record("train", 1, {"loss": 1.0})
    assert restore(tmp_path, model, optimizer) == TrainingState()
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_a_run_goes_on_from_its_newest_checkpoint(tmp_path: Path) -> None:
    model, optimizer = parts(tmp_path)
    state = TrainingState(step=2, tokens=7)
    write_checkpoint(tmp_path / "checkpoints", Snapshot.take(model, optimizer), state)
    half_written = tmp_path / "checkpoints" / ".step-00000003.77.tmp"
    half_written.mkdir()
    for step in (1, 2, 3):
        Journal(tmp_path).record("train", step, {"loss": 1.0})
    other = torch.nn.Sequential(*Regression().model)
    torch.nn.init.zeros_(other[0].weight)
    assert restore(tmp_path, other, optimizer) == state
    assert torch.equal(other[0].weight, model[0].weight)
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2]
    assert not half_written.exists()
    assert "resumed at step 2" in (tmp_path / "log.txt").read_text()


def test_a_damaged_checkpoint_is_passed_over_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, optimizer = parts(tmp_path)
    for step in (2, 4):
        state = TrainingState(step=step)
        write_checkpoint(tmp_path / "checkpoints", Snapshot.take(model, optimizer), state)
    (tmp_path / "checkpoints" / "step-00000004" / "state.json").write_text("{}")
    assert restore(tmp_path, model, optimizer).step == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "step-00000004/state.json is cut short or altered" in said
    assert said.endswith("going on from step 2")
    assert "going on from step 2" in (tmp_path / "log.txt").read_text()


def test_another_torch_is_named_as_a_reason_for_other_bits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, optimizer = parts(tmp_path)
    restore(tmp_path, model, optimizer)
    assert capsys.readouterr().err == ""
    path = tmp_path / "environment.json"
    began = json.loads(path.read_text())
    began["packages"]["torch"], began["cpus"] = "1.0", 99
    path.write_text(json.dumps(began))
    restore(tmp_path, model, optimizer)
    said = capsys.readouterr().err
    assert said.startswith("packages.torch: 1.0 → ")
    assert "bit for bit" in said
    assert "cpus" not in said


def test_a_resume_computes_on_what_the_run_began_on() -> None:
    stored = MachineSettings(device="cpu", precision="bf16", threads=3)
    assert resume_machine(stored.model_dump()) == (stored, None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_where_the_gpu_is_gone_the_cpu_takes_over_and_says_so() -> None:
    stored = MachineSettings(device="cuda", precision="bf16", threads=3)
    machine, warning = resume_machine(stored.model_dump())
    assert (machine.device, machine.threads) == ("cpu", 3)
    assert "goes on on the CPU" in warning
