"""Curves of runs: what was recorded is drawn, what was not is left out."""

import math
import re
from typing import Any

import pytest

from litebert.report.history import (
    History,
    alarm_blocks,
    compared_curves,
    learning_curves,
    seconds_at,
)
from litebert.report.plots import Level

ALARM = {"event": "alarm", "kind": "loss_spike", "step": 20, "text": "the loss rose to 9.1"}


def train(step: int, **values: Any) -> dict[str, Any]:
    shared = {"loss": 7.5, "masked_lm_loss": 7.0, "sentence_order_loss": 0.5}
    course = {"learning_rate": 1e-3, "gradient_norm": 1.0, "tokens_per_second": 900.0}
    clock = {"tokens": 100 * step, "seconds": 6.0 * step}
    return {"kind": "train", "step": step, **shared, **course, **clock, **values}


def evaluation(step: int, **values: Any) -> dict[str, Any]:
    return {"kind": "evaluation", "step": step, "tokens": 100 * step, **values}


def history(name: str = "run", *more: dict[str, Any], **times: float) -> History:
    held_out = {"masked_lm_loss": 6.5, "masked_lm_accuracy": 0.2, "sentence_order_loss": 0.6}
    lines = [train(step, **times) for step in (10, 20, 30)]
    return History.of(name, [*lines, evaluation(30, **held_out), *more])


def titles(figures: list[Any]) -> list[str]:
    return [re.search(r'aria-label="([^"]*)"', figure.svg)[1] for figure in figures]


def test_lines_are_sorted_by_what_they_are() -> None:
    sorted_lines = history("run", ALARM)
    assert [line["step"] for line in sorted_lines.train] == [10, 20, 30]
    assert [line["step"] for line in sorted_lines.evaluation] == [30]
    assert sorted_lines.alarms == [ALARM]


def test_only_what_was_recorded_is_drawn() -> None:
    assert titles(learning_curves(history())) == [
        *("Masked-LM loss", "Masked-LM accuracy"),
        *("Learning rate", "Gradient norm", "Speed"),
    ]
    assert learning_curves(History("empty", [], [])) == []


def test_the_scores_of_a_task_are_drawn_under_their_own_names() -> None:
    lines = [train(10, label_loss=0.6), evaluation(10, loss=0.5, accuracy=0.8, spearman_r=0.7)]
    for line in lines:
        line.pop("masked_lm_loss", None)
    drawn = titles(learning_curves(History.of("run", lines)))
    assert drawn[:3] == ["Loss", "Accuracy", "Spearman r"]


def test_the_time_of_a_step_is_split_where_it_was_measured() -> None:
    split = history(seconds_data=0.01, seconds_forward=0.03, seconds_communication=0.0)
    figure = learning_curves(split)[-1]
    assert titles([figure]) == ["Time of a step"]
    assert figure.caption == "Over the run: data 25 %, forward 75 %."
    assert "backward" not in figure.svg
    assert "communication" not in figure.svg


def test_alarms_are_marked_in_every_curve_and_listed_under_the_same_number() -> None:
    noticed = history("run", ALARM, {**ALARM, "step": 25})
    for figure in learning_curves(noticed, {"masked_lm_loss": Level("unigram", 6.8)}):
        assert figure.svg.count("var(--alarm)") >= 2
    table = alarm_blocks(noticed)[1]
    assert table.rows == [
        [1, 20, "loss spike", "the loss rose to 9.1"],
        [2, 25, "loss spike", "the loss rose to 9.1"],
    ]
    assert alarm_blocks(history()) == []


@pytest.mark.parametrize("axis", ["steps", "tokens", "minutes"])
def test_several_runs_share_a_figure_for_each_measure(axis: Any) -> None:
    figures = compared_curves([history("short"), history("long")], axis)
    assert titles(figures) == [
        *("Masked-LM loss, held out", "Masked-LM accuracy, held out"),
        *("Learning rate", "Gradient norm", "Speed"),
    ]
    for figure in figures:
        assert {"short", "long"} <= set(re.findall(r">([^<>]+)</text>", figure.svg))
    assert compared_curves([]) == []


def test_runs_without_an_evaluation_are_compared_by_their_training() -> None:
    early = [History.of(name, [train(10), train(20)]) for name in "ab"]
    assert titles(compared_curves(early))[0] == "Masked-LM loss"


def test_the_time_of_a_step_is_read_between_the_lines() -> None:
    assert seconds_at(history(), 25) == 150.0
    assert seconds_at(history(), 5) == 30.0
    assert math.isnan(seconds_at(History("empty", [], []), 5))
