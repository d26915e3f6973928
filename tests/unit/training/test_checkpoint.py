"""Checkpoints are complete or absent, kept by rule, and written while training goes on."""

import json
import threading
from pathlib import Path

import pytest
import torch

from litebert.foundation.errors import StorageError
from litebert.foundation.randomness import Position
from litebert.training.checkpoint import (
    Snapshot,
    TrainingState,
    newest_checkpoint,
    prune_checkpoints,
    read_state,
    write_checkpoint,
)
from litebert.training.watch import WatchState
from litebert.training.writer import CheckpointWriter
from saves import crash_in_saves, saved_steps, snapshot, values_in


def test_a_save_killed_anywhere_leaves_the_checkpoint_before_or_the_new_one(tmp_path: Path) -> None:
    assert crash_in_saves(tmp_path, first=3, stride=9) >= 5


def test_an_older_state_gets_defaults_for_what_it_did_not_know(tmp_path: Path) -> None:
    watch = WatchState(
        losses=(1.5, 2.5),
        strain=0.875,
        suspect_since=7,
        rewinds=1,
        rewound_to=5,
        restarts=2,
        met={"not_learning": 9},
        warned=("order_not_learnt",),
    )
    state = TrainingState(3, Position(1, 2), 40, 1.5, batches=4, watch=watch)
    path = write_checkpoint(tmp_path, snapshot(1.0), state)
    assert read_state(path) == state
    values = json.loads((path / "state.json").read_text())
    assert TrainingState.from_json(values) == state
    del values["watch"], values["batches"]
    assert TrainingState.from_json(values) == TrainingState(3, Position(1, 2), 40, 1.5)


def test_a_snapshot_is_a_copy_and_knows_what_is_no_number(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2)).sum().backward()
    optimizer.step()
    taken = Snapshot.take(model, optimizer)
    before = taken.weights["weight"].clone()
    optimizer.step()
    assert torch.equal(taken.weights["weight"], before)
    assert taken.finite
    assert taken.bytes == 4 * (6 + 2 * 6 + 2)
    optimizer.state[model.bias]["exp_avg_sq"][1] = float("inf")
    assert not Snapshot.take(model, optimizer).finite


def test_values_whose_sum_overflows_are_numbers_all_the_same() -> None:
    large = torch.full((4,), 3e38)
    assert Snapshot({"a": large}, {}).finite
    for bad in (float("nan"), float("inf"), float("-inf")):
        assert not Snapshot({"a": torch.cat([large, torch.tensor([bad])])}, {}).finite
        assert not Snapshot({}, {"a": torch.tensor([0.0, bad])}).finite


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"keep": 2}, [3, 9, 10]),
        ({"keep": 1, "keep_every": 4}, [3, 4, 8, 10]),
        ({"keep": 1, "since": 7}, [3, 6, 10]),
        ({"keep": 1, "since": 1}, [3, 10]),
    ],
)
def test_checkpoints_are_kept_by_rule(
    tmp_path: Path, rule: dict[str, int], kept: list[int]
) -> None:
    for step in range(1, 12):
        write_checkpoint(tmp_path, snapshot(1.0), TrainingState(step=step))
    watch = WatchState(suspect_since=rule.get("since"))
    state = TrainingState(step=10, best=0.5, best_step=3, watch=watch)
    prune_checkpoints(tmp_path, state, rule["keep"], rule.get("keep_every"))
    assert saved_steps(tmp_path) == [*kept, 11]  # a later one is not this run's to judge


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    gate = threading.Event()

    class Slow(CheckpointWriter):
        def _write(self, snapshot: Snapshot, state: TrainingState) -> None:
            gate.wait()
            super()._write(snapshot, state)

    with Slow(tmp_path, keep=2) as writer:
        writer.save(snapshot(1.0), TrainingState(step=1))
        assert saved_steps(tmp_path) == []  # and here we are
        gate.set()
        writer.save(snapshot(2.0), TrainingState(step=2))
        assert saved_steps(tmp_path)[0] == 1  # it has waited for the one before
    assert saved_steps(tmp_path) == [1, 2]
    assert values_in(tmp_path / "step-00000002") == {2.0}


def test_what_went_wrong_with_a_save_is_said_by_the_next_or_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    writer = CheckpointWriter(tmp_path / "taken" / "checkpoints", keep=2)
    writer.save(snapshot(1.0), TrainingState(step=1))
    with pytest.raises(StorageError, match="taken"):
        writer.save(snapshot(2.0), TrainingState(step=2))
    writer = CheckpointWriter(tmp_path / "taken" / "checkpoints", keep=2)
    with pytest.raises(StorageError, match="taken"), writer:
        writer.save(snapshot(1.0), TrainingState(step=1))
    with pytest.raises(ZeroDivisionError), CheckpointWriter(tmp_path / "ok", keep=2) as writer:
        writer.save(snapshot(1.0), TrainingState(step=1))
        raise ZeroDivisionError
    assert newest_checkpoint(tmp_path / "ok") is not None  # it was written to its end
