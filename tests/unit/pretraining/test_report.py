"""The page of a run says what its records say, however early it ended."""

import json
from pathlib import Path

import pytest

from litebert.pretraining.report import plateau_words, write_run_report
from litebert.pretraining.settings import PretrainingSettings
from litebert.training.journal import Journal, read_metrics
from litebert.training.run_folder import RunRecord

RECORD = RunRecord(
    "pretrain",
    PretrainingSettings().model_dump(exclude_none=True),
    {
        "total_steps": 1000,
        "unigram_loss": 6.5,
        "parameters": 1234567,
        "config": {"hidden_size": 256, "num_hidden_layers": 3},
        "machine": {"device": "cpu", "precision": "bf16", "threads": 2},
    },
)


def record_steps(folder: Path, losses: list[float], sentence_order: bool = True) -> None:
    journal = Journal(folder)
    for step, loss in enumerate(losses, start=1):
        train = {"loss": loss, "masked_lm_loss": loss, "learning_rate": 1e-3, "seconds": 61.0}
        train |= {"gradient_norm": 1.0, "tokens": 1024 * step, "tokens_per_second": 9000.0}
        journal.record("train", step * 100, train)
        held_out = {"masked_lm_loss": loss, "masked_lm_accuracy": 0.123}
        if sentence_order:
            held_out["sentence_order_accuracy"] = 0.789
        journal.record("evaluation", step * 100, held_out)


def page_of(folder: Path) -> str:
    write_run_report(folder, RECORD)
    return (folder / "report.html").read_text("utf-8")


def test_the_page_opens_with_what_was_reached(tmp_path: Path) -> None:
    record_steps(tmp_path, [7.0, 6.2, 5.75])
    page = page_of(tmp_path)
    assert "by step 200; its best held-out loss is 5.75" in page
    for words in ("12.3 %", "78.9 %", "of 1,000", "1,234,567 parameters"):
        assert words in page
    assert page.count("<svg") == 6
    assert "Alarms" not in page


def test_a_run_that_goes_on_says_how_long_it_still_takes(tmp_path: Path) -> None:
    record_steps(tmp_path, [7.0, 6.2])
    assert "of 1,000; the rest takes 4 min 04 s" in page_of(tmp_path)


def test_alarms_are_counted_and_listed(tmp_path: Path) -> None:
    record_steps(tmp_path, [7.0, 6.2])
    alarm = {"event": "alarm", "kind": "loss_spike", "step": 150, "text": "rose to 9.1 <b>"}
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(alarm) + "\n")
    page = page_of(tmp_path)
    assert "last at step 150" in page
    assert "rose to 9.1 &lt;b&gt;" in page


def test_what_ended_a_run_opens_its_page_until_it_goes_on(tmp_path: Path) -> None:
    record_steps(tmp_path, [7.0, 6.2])
    Journal(tmp_path).alarm("stopped", 251, "the disk is full", batches=251)
    assert "The run has stopped: the disk is full." in page_of(tmp_path)
    Journal(tmp_path).record("train", 300, {"masked_lm_loss": 6.1, "seconds": 90.0})
    page = page_of(tmp_path)
    assert "The run has stopped" not in page
    assert "the disk is full" in page  # among the alarms


def test_without_a_sentence_objective_nothing_is_said_of_it(tmp_path: Path) -> None:
    record_steps(tmp_path, [7.0, 6.2], sentence_order=False)
    assert "Sentence-order" not in page_of(tmp_path)


def test_a_run_that_learnt_nothing_is_told_so(tmp_path: Path) -> None:
    record_steps(tmp_path, [7.0, 6.45])
    lines = read_metrics(tmp_path / "metrics.jsonl", "evaluation")
    assert "has not left the plateau of 6.50" in plateau_words(RECORD, lines)


@pytest.mark.parametrize("steps", [0, 1])
def test_a_run_that_ended_before_its_first_evaluation_has_a_page(
    tmp_path: Path, steps: int
) -> None:
    for _ in range(steps):
        Journal(tmp_path).record("train", 5, {"masked_lm_loss": 7.0, "learning_rate": 1e-3})
    page = page_of(tmp_path)
    assert "not come to its first evaluation" in page
    assert "batch_size" in page
