"""A run's records: appended, read back, cut back to where a resumed run goes on."""

import math
from pathlib import Path

import pytest

from litebert.foundation.errors import DataError
from litebert.training.journal import Journal, read_metrics


def test_lines_come_back_by_kind_in_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.record("train", 1, {"loss": 2.5})
    journal.record("evaluation", 1, {"accuracy": 0.5})
    journal.record("train", 2, {"loss": 2.0})
    train = read_metrics(tmp_path / "metrics.jsonl", "train")
    assert train == [
        {"kind": "train", "step": 1, "loss": 2.5},
        {"kind": "train", "step": 2, "loss": 2.0},
    ]
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 3


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    Journal(tmp_path).record("train", 1, {"loss": math.nan, "rate": math.inf, "name": "ä"})
    assert (tmp_path / "metrics.jsonl").read_text("utf-8") == (
        '{"kind": "train", "step": 1, "loss": null, "rate": null, "name": "ä"}\n'
    )


def test_a_run_that_recorded_nothing_has_no_lines(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []
    Journal(tmp_path).forget_after(0, 0)
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_what_came_after_the_checkpoint_and_a_cut_line_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for step in (1, 2, 3):
        journal.record("train", step, {"loss": 1.0})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"kind": "train", "st')
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3]
    journal.forget_after(2, 2)
    journal.record("train", 3, {"loss": 0.5})
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [(line["step"], line["loss"]) for line in lines] == [(1, 1.0), (2, 1.0), (3, 0.5)]


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"loss": 1.0}\n')
    with pytest.raises(DataError, match="every line has a kind and a step"):
        read_metrics(tmp_path / "metrics.jsonl")


def test_notes_carry_the_time(tmp_path: Path) -> None:
    Journal(tmp_path).note("resumed at step 3")
    time, _, words = (tmp_path / "log.txt").read_text("utf-8").rstrip("\n").partition("  ")
    assert words == "resumed at step 3"
    assert time[10] == "T"
