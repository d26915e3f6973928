import json

import pytest

from litebert.demo.findings import (
    BAG_OF_WORDS,
    MAJORITY,
    PRETRAINED,
    SCRATCH,
    Findings,
    Method,
    NewLine,
    PretrainingCounts,
    TaskCounts,
    TextCounts,
    summary_rows,
    verdict,
)
from litebert.tasks.task import Prediction


def findings(scratch: tuple[float, ...], pretrained: tuple[float, ...], words: float) -> Findings:
    return Findings(
        text=TextCounts(10, 200, 3000, 12000, (("torch", 6, 8000), ("numpy", 4, 4000))),
        pretraining=PretrainingCounts(700_000, 400, 100, 90_000, 60.0, 6.2, 5.4, 0.17, 0.6),
        task=TaskCounts(("numpy", "torch"), 32, 16, 400),
        methods=(
            Method(MAJORITY, (0.5,), (0.33,)),
            Method(BAG_OF_WORDS, (words,), (words,)),
            Method(SCRATCH, scratch, scratch),
            Method(PRETRAINED, pretrained, pretrained),
        ),
        new_lines=(
            NewLine("A new line.", Prediction("torch", 0.75, {"numpy": 0.25, "torch": 0.75})),
        ),
        seconds=432.0,
    )


def test_a_gain_in_every_seed_is_called_a_gain():
    said = verdict(findings((0.5, 0.52), (0.6, 0.64), words=0.4))
    assert said.startswith("Pretraining gained 11.0 points: 62.0 % with it, 51.0 % without")
    assert "means of 2 seeds" in said
    assert "22.0 points behind: a bag of words reaches 40.0 %" in said


def test_a_loss_is_called_a_loss():
    said = verdict(findings((0.6,), (0.5,), words=0.7))
    assert said.startswith("Pretraining cost 10.0 points")
    assert "one seed" in said
    assert "20.0 points ahead" in said


def test_seeds_that_disagree_decide_nothing():
    said = verdict(findings((0.5, 0.5), (0.6, 0.45), words=0.52))
    assert said.startswith("Pretraining made no clear difference")
    assert "level with it" in said


def test_equal_scores_are_no_gain():
    assert "no clear difference" in verdict(findings((0.5,), (0.5,), words=0.5))


def test_gains_are_paired_by_seed():
    found = findings((0.4, 0.5), (0.6, 0.6), words=0.5)
    assert found.gains == pytest.approx((0.2, 0.1))
    assert found.gain == pytest.approx(0.15)
    assert found.method(SCRATCH).spread == pytest.approx(0.0707, abs=1e-4)
    assert found.method(MAJORITY).spread == 0.0


def test_chance_shrinks_with_the_test_set():
    small = findings((0.5,), (0.5,), 0.5)
    assert small.chance_difference == pytest.approx(2 * (2 * 0.25 / 400) ** 0.5)


def test_the_summary_names_every_method():
    rows = dict(summary_rows(findings((0.4, 0.5), (0.6, 0.6), words=0.5)))
    assert rows[SCRATCH] == "45.0 ± 7.1 %"
    assert rows[BAG_OF_WORDS] == "50.0 %"
    assert {MAJORITY, PRETRAINED, "text", "model", "pretraining", "task"} <= set(rows)


def test_findings_are_plain_data():
    values = json.loads(json.dumps(findings((0.4,), (0.6,), words=0.5).as_dict()))
    assert values["gain"] == pytest.approx(0.2)
    assert values["methods"][3]["name"] == PRETRAINED
    assert values["verdict"].startswith("Pretraining gained")
