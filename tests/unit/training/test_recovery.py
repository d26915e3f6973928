"""What is no number is never stored; bad updates are skipped or undone, and the run goes on."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from faulty import MEMORY, NOT_NUMBERS, PLACES, faulty_trainer, same, stored_is_finite, weights_of
from litebert.foundation.errors import DivergenceError
from litebert.foundation.randomness import Position
from litebert.training.checkpoint import TrainingState, write_checkpoint
from litebert.training.distributed import ALONE
from litebert.training.journal import read_metrics
from litebert.training.recovery import go_back
from litebert.training.watch import WatchState, alarms_of
from saves import saved_steps, snapshot


@pytest.mark.parametrize("value", NOT_NUMBERS[:2])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_number_is_never_stored_wherever_it_comes_from(
    tmp_path: Path, place: str, value: float
) -> None:
    trainer = faulty_trainer(tmp_path, {41: (place, value)}, passing=True)
    result = trainer.run()
    assert result.state.step == 60
    assert stored_is_finite(tmp_path)
    assert all(bool(values.isfinite().all()) for values in weights_of(trainer))
    kinds = [alarm.kind for alarm in alarms_of(tmp_path)]
    assert kinds[0] == "not_finite"
    assert ("rewind" in kinds) == (place in MEMORY)


def test_a_bad_batch_is_left_out_and_all_else_as_without_it(tmp_path: Path) -> None:
    trainer = faulty_trainer(tmp_path, {10: ("loss", math.nan)})
    result = trainer.run()
    assert (result.state.step, result.state.batches) == (60, 60)
    assert result.state.tokens == 59 * 8
    (alarm,) = alarms_of(tmp_path)
    assert (alarm.kind, alarm.step) == ("not_finite", 11)
    assert alarm.text == "the loss is nan: the update is skipped"
    steps = [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl", "train")]
    assert steps == [step for step in range(1, 61) if step != 11]


def test_a_bad_window_is_undone_and_left_out(tmp_path: Path) -> None:
    faults = dict.fromkeys(range(42, 46), ("spike", 500.0))
    trainer = faulty_trainer(tmp_path, faults)
    result = trainer.run()
    alarms = alarms_of(tmp_path)
    kinds = [(alarm.kind, alarm.step) for alarm in alarms]
    assert kinds[:4] == [("spike", 43), ("spike", 44), ("spike", 45), ("rewind", 45)]
    assert kinds[4:] == [("spike", 41)]
    assert "goes back to step 40 and leaves out the data of 5 batches" in alarms[3].text
    assert (result.state.step, result.state.batches) == (60, 65)
    lines = read_metrics(tmp_path / "metrics.jsonl", "train")
    assert [line["step"] for line in lines] == [s for s in range(1, 61) if s != 41]
    assert max(line["loss"] for line in lines) < 20


def test_losses_may_rise_where_the_data_are_known_to_become_harder(tmp_path: Path) -> None:
    harder = dict.fromkeys(range(44, 70), ("spike", 200.0))
    there = Position(5, 4 * 8)  # of batch 44
    trainer = faulty_trainer(tmp_path / "unknown", harder)
    with pytest.raises(DivergenceError):
        trainer.run()
    trainer = faulty_trainer(tmp_path / "known", harder)
    trainer.plan = replace(trainer.plan, harder_from=there)
    assert trainer.run().state.step == 60
    assert alarms_of(tmp_path / "known") == []
    bad = {**harder, **dict.fromkeys((45, 46, 47), ("loss", math.nan))}
    trainer = faulty_trainer(tmp_path / "back", bad)
    trainer.plan = replace(trainer.plan, harder_from=there)
    assert trainer.run().state.step == 60
    kinds = [alarm.kind for alarm in alarms_of(tmp_path / "back")]
    assert kinds == ["not_finite"] * 3 + ["rewind"]  # to a step before it: no spike after that


@pytest.mark.parametrize("stop", [41, 44, 45, 46, 52])
def test_a_resumed_run_decides_as_an_uninterrupted_one(tmp_path: Path, stop: int) -> None:
    faults = dict.fromkeys((20, 42, 43, 44, 45, 50), ("loss", math.inf))
    whole = faulty_trainer(tmp_path / "whole", faults)
    whole.run()
    first = faulty_trainer(tmp_path / "parts", faults)
    first.save(wait=True)  # a run that is killed writes no further; this one would
    for _ in range(stop):  # and then it is killed
        first.step()
        first.log()
        if first.plan.saves_at(first.state.step):
            first.save(wait=True)
    second = faulty_trainer(tmp_path / "parts", faults, resume=True)
    assert second.state.step < 60
    second.run()
    assert same(whole, second)
    assert second.state.advanced(seconds=0.0) == whole.state.advanced(seconds=0.0)
    assert alarms_of(tmp_path / "parts") == alarms_of(tmp_path / "whole")
    lines = [read_metrics(tmp_path / n / "metrics.jsonl", "train") for n in ("whole", "parts")]
    assert [line["loss"] for line in lines[0]] == [line["loss"] for line in lines[1]]


def test_a_run_that_cannot_get_past_a_place_stops_and_says_so(tmp_path: Path) -> None:
    trainer = faulty_trainer(tmp_path, dict.fromkeys(range(30, 999), ("loss", math.nan)))
    with pytest.raises(DivergenceError, match="gone back 3 times already") as caught:
        trainer.run()
    assert caught.value.exit_code == 3
    kinds = [alarm.kind for alarm in alarms_of(tmp_path)]
    assert kinds == [*["not_finite"] * 3, "rewind"] * 3 + [*["not_finite"] * 3, "stopped"]
    assert stored_is_finite(tmp_path)


def test_without_the_watch_the_first_of_them_ends_the_run(tmp_path: Path) -> None:
    trainer = faulty_trainer(tmp_path, {5: ("loss", math.nan)})
    trainer.plan = type(trainer.plan)(60, trainer.plan.settings, lambda step: 0.01)
    with pytest.raises(DivergenceError, match="step 6: the loss or the gradient is not finite"):
        trainer.run()
    assert stored_is_finite(tmp_path)


def went_back(folder: Path, watch: WatchState) -> int | None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.AdamW(model.parameters())
    state = go_back(folder, model, optimizer, watch, ALONE)
    return None if state is None else state.step


def test_it_goes_back_to_before_the_trouble_and_further_where_that_did_not_help(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    for step in (0, 10, 20, 30):
        write_checkpoint(kept, snapshot(float(step)), TrainingState(step=step))

    def back(**watch: int) -> int | None:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(kept, tmp_path / "copy")
        return went_back(tmp_path / "copy", WatchState(**watch))

    assert back(suspect_since=35) == 30
    assert saved_steps(tmp_path / "copy") == [0, 10, 20, 30]
    assert back(suspect_since=30) == 20  # the checkpoint of step 30 may have its mark already
    assert saved_steps(tmp_path / "copy") == [0, 10, 20]
    assert back(suspect_since=22, rewound_to=20) == 10
    assert back(suspect_since=29, rewound_to=20) == 20
    assert back(suspect_since=3, rewound_to=0) == 0
    assert went_back(tmp_path / "none", WatchState(suspect_since=3)) is None
