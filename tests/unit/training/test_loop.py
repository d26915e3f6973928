"""Resumed equals uninterrupted, signals save, the best checkpoint is kept, budgets become steps."""

import math
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from litebert.foundation.errors import CheckpointError, ConfigError, CorpusError
from litebert.foundation.randomness import Position
from litebert.optim import ScheduleSettings, build_optimizer, learning_rate_at
from litebert.training.budget import BudgetSettings, resolve_length
from litebert.training.checkpoint import (
    TrainingState,
    list_checkpoints,
    load_checkpoint,
    newest_checkpoint,
)
from litebert.training.journal import read_metrics
from litebert.training.loop import Monitor, Plan, Trainer
from litebert.training.settings import LoopSettings
from litebert.training.step import MicroBatch
from litebert.training.stopwatch import PARTS
from litebert.training.watch import Alarm, alarms_of
from regression import ROWS, Regression

SCHEDULE = ScheduleSettings(learning_rate=0.05)


def make(
    folder: Path,
    optimizer: str = "adamw",
    steps: int = 30,
    monitor: Monitor | None = None,
    task: Regression | None = None,
    **settings: int,
) -> Trainer:
    task = task or Regression(dropout=0.2)
    plan = Plan(
        steps,
        LoopSettings(**{"evaluate_every": 5, "save_every": 5, "keep": 2, **settings}),
        lambda step: learning_rate_at(SCHEDULE, step, steps),
        monitor,
    )
    folder.mkdir(exist_ok=True)
    return Trainer(
        task, build_optimizer(optimizer, task.model.named_parameters(), 0.05), plan, folder
    )


def resume(trainer: Trainer, checkpoint: Path) -> None:
    trainer.state = load_checkpoint(checkpoint, trainer.trainable.model, trainer.optimizer)
    trainer.journal.forget_after(trainer.state.step, trainer.state.batches)


def weights(trainer: Trainer) -> list[torch.Tensor]:
    moments = [
        value
        for p in trainer.trainable.model.parameters()
        for _, value in sorted(trainer.optimizer.state[p].items())
    ]
    return [p.detach() for p in trainer.trainable.model.parameters()] + moments


def the_same(a: Trainer, b: Trainer) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "torch-adamw"])
@pytest.mark.parametrize("stop", [1, 7, 10, 29])
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(
    tmp_path: Path, stop: int, optimizer: str
) -> None:
    whole = make(tmp_path / "whole", optimizer)
    whole.run()
    first = make(tmp_path / "parts", optimizer)
    for _ in range(stop):
        first.step()
    first.save(wait=True)
    second = make(tmp_path / "parts", optimizer)
    resume(second, newest_checkpoint(tmp_path / "parts" / "checkpoints"))
    assert second.state.step == stop
    second.run()
    assert the_same(whole, second)
    served = first.trainable.served + second.trainable.served
    assert served == whole.trainable.served
    assert sorted(served[:ROWS]) == [(0, row) for row in range(ROWS)]  # none lost, none twice


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_stops(tmp_path: Path, number: int) -> None:
    trainer = make(tmp_path)
    plain_batch = trainer.trainable.batch

    def interrupted_batch(position: object) -> object:
        if trainer.state.step == 11:
            os.kill(os.getpid(), number)
        return plain_batch(position)

    trainer.trainable.batch = interrupted_batch
    result = trainer.run()
    assert (result.signal, result.state.step) == (number, 12)
    saved = newest_checkpoint(tmp_path / "checkpoints")
    assert saved.name == "step-00000012"


def test_a_signal_during_an_evaluation_waits_for_it_and_loses_nothing(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", save_every=30)
    whole.run()
    first = make(tmp_path / "parts", save_every=30)
    plain_evaluation = first.trainable.evaluate

    def interrupted_evaluation() -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGTERM)
        return plain_evaluation()

    first.trainable.evaluate = interrupted_evaluation
    assert first.run().state.step == 5
    second = make(tmp_path / "parts", save_every=7)
    resume(second, newest_checkpoint(tmp_path / "parts" / "checkpoints"))
    second.run()
    assert the_same(whole, second)
    lines = [
        read_metrics(tmp_path / name / "metrics.jsonl", "evaluation") for name in ("whole", "parts")
    ]
    assert lines[0] == lines[1]


def test_a_signal_in_the_last_step_has_nothing_to_interrupt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Signalling(Regression):
        def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
            if len(self.served) == 29 * self.batch_size:
                signal.raise_signal(signal.SIGTERM)
            return super().batch(position)

    trainer = make(tmp_path, task=Signalling(dropout=0.2))
    result = trainer.run()
    assert (result.signal, result.state.step) == (None, 30)
    assert "interrupted" not in capsys.readouterr().err


def test_a_run_stopped_before_its_first_step_begins_anew(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole")
    whole.run()
    first = make(tmp_path / "parts")
    first.save(wait=True)
    second = make(tmp_path / "parts")
    resume(second, newest_checkpoint(tmp_path / "parts" / "checkpoints"))
    second.run()
    assert the_same(whole, second)


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    make(tmp_path).run()
    again = make(tmp_path)
    resume(again, newest_checkpoint(tmp_path / "checkpoints"))
    assert again.run().state.step == 30
    assert again.trainable.served == []


def test_old_checkpoints_go_and_the_best_stays(tmp_path: Path) -> None:
    trainer = make(tmp_path, monitor=Monitor("error", higher_is_better=False))
    seen = iter([5.0, 1.0, 3.0, 4.0, 2.0, 6.0])
    trainer.trainable.evaluate = lambda: {"error": next(seen)}
    trainer.run()
    names = [path.name for path in list_checkpoints(tmp_path / "checkpoints")]
    assert names == ["step-00000010", "step-00000025", "step-00000030"]
    assert (trainer.state.best, trainer.state.best_step) == (1.0, 10)


def test_a_score_that_is_no_number_is_never_the_best() -> None:
    monitor = Monitor("error", higher_is_better=False)
    assert not monitor.improves(math.nan, None)
    assert not monitor.improves(-math.inf, 1.0)
    assert monitor.improves(0.5, None)
    assert not monitor.improves(0.5, 0.5)


def test_patience_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    monitor = Monitor("error", higher_is_better=False, patience=2)
    trainer = make(tmp_path, monitor=monitor)
    seen = iter([1.0, 2.0, 3.0])
    trainer.trainable.evaluate = lambda: {"error": next(seen)}
    assert trainer.run().state.step == 15
    again = make(tmp_path, monitor=monitor)
    resume(again, newest_checkpoint(tmp_path / "checkpoints"))
    assert again.finished


def test_the_state_is_saved_at_an_early_end_that_no_checkpoint_falls_on(tmp_path: Path) -> None:
    monitor = Monitor("error", higher_is_better=False, patience=1)
    trainer = make(tmp_path, monitor=monitor, save_every=4)
    seen = iter([1.0, 2.0])
    trainer.trainable.evaluate = lambda: {"error": next(seen)}
    trainer.run()
    assert newest_checkpoint(tmp_path / "checkpoints").name == "step-00000010"


def test_every_step_says_where_its_time_went_and_where_it_stands_in_the_data(
    tmp_path: Path,
) -> None:
    make(tmp_path, steps=10, log_every=5).run()
    lines = read_metrics(tmp_path / "metrics.jsonl", "train")
    assert [(line["epoch"], line["offset"]) for line in lines] == [(0, 40), (1, 16)]
    for line in lines:
        parts = [line[f"seconds_{part}"] for part in PARTS]
        assert min(parts) >= 0
        assert line["seconds_communication"] == 0
        assert 0 < sum(parts) * line["step"] < 2 * line["seconds"] + 1


def test_metrics_are_written_once_a_step_and_not_repeated_by_a_resume(tmp_path: Path) -> None:
    first = make(tmp_path, log_every=1)
    for _ in range(12):
        first.step()
        if first.state.step == 10:
            first.save(wait=True)
    first.journal.record("train", 12, {"loss": 1.0})
    second = make(tmp_path, log_every=1)
    resume(second, newest_checkpoint(tmp_path / "checkpoints"))
    second.run()
    steps = [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl", "train")]
    assert steps == list(range(11, 31))


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, name: str, damage: str) -> None:
    trainer = make(tmp_path)
    trainer.run()
    older, newer = list_checkpoints(tmp_path / "checkpoints")
    file = newer / name
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-3])
    elif damage == "flip":
        file.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    else:
        file.unlink()
    assert newest_checkpoint(tmp_path / "checkpoints") == older
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(newer, trainer.trainable.model)


def test_a_damaged_checkpoint_takes_no_whole_ones_place(tmp_path: Path) -> None:
    make(tmp_path, steps=10).run()
    older, newer = list_checkpoints(tmp_path / "checkpoints")
    (newer / "manifest.json").unlink()
    again = make(tmp_path, keep=1)
    resume(again, older)
    again.step()
    again.save(wait=True)
    assert newest_checkpoint(tmp_path / "checkpoints").name == "step-00000006"


def test_a_restored_optimiser_has_its_state_where_its_parameters_are(tmp_path: Path) -> None:
    make(tmp_path, "torch-adamw", steps=5).run()
    elsewhere = Regression().model.to("meta")
    optimizer = build_optimizer("torch-adamw", elsewhere.named_parameters(), 0.05)
    load_checkpoint(newest_checkpoint(tmp_path / "checkpoints"), elsewhere, optimizer)
    places = {value.device.type for state in optimizer.state.values() for value in state.values()}
    assert places == {"meta"}


def test_when_no_checkpoint_is_whole_the_newest_is_named(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "checkpoints") is None
    make(tmp_path, keep=1, steps=5).run()
    (only,) = list_checkpoints(tmp_path / "checkpoints")
    (only / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="step-00000005"):
        newest_checkpoint(tmp_path / "checkpoints")


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    make(tmp_path, steps=5).run()
    path = newest_checkpoint(tmp_path / "checkpoints")
    with pytest.raises(CheckpointError, match="another model"):
        load_checkpoint(path, torch.nn.Linear(2, 2))


def test_the_state_survives_as_it_was(tmp_path: Path) -> None:
    trainer = make(tmp_path)
    trainer.state = TrainingState(3, trainer.state.position, 7, 1.5, 0.25, 2, 1)
    trainer.save(wait=True)
    loaded = load_checkpoint(tmp_path / "checkpoints/step-00000003", trainer.trainable.model)
    assert loaded == trainer.state


def steps_of(trainer: Trainer, began: float | None = None, **budget: float) -> int:
    return resolve_length(
        BudgetSettings(**budget),
        trainer.trainable,
        trainer.optimizer,
        None,
        time.perf_counter() if began is None else began,
    ).total_steps


def test_budgets_become_steps(tmp_path: Path) -> None:
    trainer = make(tmp_path)
    assert steps_of(trainer, steps=17) == 17
    assert steps_of(trainer, tokens=800) == 100
    assert steps_of(trainer, minutes=0.02) > 10
    with pytest.raises(ConfigError, match="say how long"):
        steps_of(trainer)
    with pytest.raises(ConfigError, match="too short"):
        steps_of(trainer, began=time.perf_counter() - 60, minutes=0.5)
    with pytest.raises(ConfigError, match="steps and minutes are both given"):
        BudgetSettings.parse({"steps": 3, "minutes": 1})


def test_the_probe_of_a_budget_leaves_no_trace(tmp_path: Path) -> None:
    whole = make(tmp_path / "a")
    whole.run()
    probed = make(tmp_path / "b")
    steps_of(probed, minutes=0.02)
    probed.run()
    assert the_same(whole, probed)


class Unreadable(Regression):
    """Its data cannot be read from the twelfth batch on."""

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        if position.epoch * ROWS + position.offset >= 11 * self.batch_size:
            raise CorpusError("shard-00003.arrow, batch 7: not what was written")
        return super().batch(position)


def test_what_ends_a_run_is_in_its_records(tmp_path: Path) -> None:
    trainer = make(tmp_path, task=Unreadable())
    with pytest.raises(CorpusError):
        trainer.run()
    assert alarms_of(tmp_path) == [
        Alarm("stopped", 12, "shard-00003.arrow, batch 7: not what was written")
    ]
    assert "step 12: stopped: shard-00003.arrow" in (tmp_path / "log.txt").read_text()
    assert newest_checkpoint(tmp_path / "checkpoints").name == "step-00000010"
