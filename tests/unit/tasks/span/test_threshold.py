import numpy as np
import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.metrics import squad_v2
from litebert.tasks.span.threshold import (
    apply_threshold,
    fit_threshold,
    fitted_threshold,
    held_out_scores,
    original_two_pass,
    split_articles,
)

ANSWERS = {"q1": ["the river"], "q2": ["two towns", "towns"], "q3": [], "q4": []}


def articles(answers: dict[str, list[str]]) -> list[dict]:
    return [
        {
            "title": key,
            "paragraphs": [{"qas": [{"id": key, "answers": [{"text": t} for t in all_]}]}],
        }
        for key, all_ in answers.items()
    ]


DATASET = articles(ANSWERS)
SPANS = {"q1": "river", "q2": "towns of old", "q3": "nobody", "q4": "a bridge"}
ODDS = {"q1": -2.0, "q2": 0.5, "q3": 0.0, "q4": 3.0}


def test_odds_above_the_threshold_are_no_answer():
    assert apply_threshold(SPANS, ODDS, 0.0) == {"q1": "river", "q2": "", "q3": "nobody", "q4": ""}


def test_the_fitted_threshold_is_the_best_there_is():
    rng = np.random.default_rng(0)
    for _ in range(100):
        answers = {f"q{i}": ["river"] * int(rng.integers(0, 2)) for i in range(8)}
        spans = {key: str(rng.choice(["river", "the town", ""])) for key in answers}
        odds = {key: float(rng.integers(-2, 3)) for key in answers}
        dataset = articles(answers)
        best = max(
            squad_v2(dataset, apply_threshold(spans, odds, at))["f1"]
            for at in [min(odds.values()) - 1, *odds.values()]
        )
        threshold = fit_threshold(dataset, spans, odds)
        reached = squad_v2(dataset, apply_threshold(spans, odds, threshold))["f1"]
        assert reached == pytest.approx(best, abs=1e-9)


def test_where_no_answer_is_best_the_threshold_lets_none_through():
    wrong = dict.fromkeys(SPANS, "elsewhere")
    threshold = fit_threshold(DATASET, wrong, ODDS)
    assert set(apply_threshold(wrong, ODDS, threshold).values()) == {""}


def test_exact_and_f1_may_have_thresholds_of_their_own():
    assert fit_threshold(DATASET, SPANS, {**ODDS, "q3": 1}, "f1") == 0.5
    assert fit_threshold(DATASET, SPANS, {**ODDS, "q3": 1}, "exact") == -2.0


def test_a_part_is_scored_with_the_threshold_of_the_other():
    fitted, scored = DATASET[:2] + DATASET[3:], DATASET[2:]
    scores = held_out_scores(fitted, scored, SPANS, ODDS)
    assert scores["threshold"] == 0.5
    assert scores["total"] == 2
    assert scores["exact"] == 50  # q3's odds are below the threshold, which q3 was not there to fit
    assert squad_v2(scored, SPANS, ODDS)["best_exact"] == 100


def test_questions_without_odds_are_named():
    with pytest.raises(DataError, match="question q2 has no null odds"):
        fit_threshold(DATASET, SPANS, {key: 0.0 for key in ODDS if key != "q2"})


def test_the_original_does_not_answer_the_question_at_its_threshold():
    answered, scores = original_two_pass(DATASET, SPANS, {**ODDS, "q3": 1})
    assert scores["null_score_diff_threshold"] == 0.5
    assert answered == {"q1": "river", "q2": "", "q3": "", "q4": ""}
    assert scores["f1"] == pytest.approx(75)
    assert set(scores) == {"exact", "f1", "total", "null_score_diff_threshold"}


def test_the_original_counts_answers_with_odds_above_1_as_none_whatever_the_threshold():
    odds = {"q1": 2.0, "q2": 2.5, "q3": 4.0, "q4": 4.0}
    answered, scores = original_two_pass(DATASET, {**SPANS, "q2": "towns"}, odds)
    assert answered["q1"] == "river"
    assert scores["null_score_diff_threshold"] == 2.5
    assert scores["exact"] == 50  # q3 and q4 alone: q1's right answer is thrown away


def test_articles_are_split_whole_and_alike_each_time():
    dataset = articles({f"q{i}": [] for i in range(10)})
    first, second = split_articles(dataset, 0.3, seed=1)
    assert (len(first), len(second)) == (3, 7)
    titles = [article["title"] for article in first + second]
    assert sorted(titles) == sorted(article["title"] for article in dataset)
    assert split_articles({"data": dataset}, 0.3, seed=1) == (first, second)
    assert split_articles(dataset, 0.3, seed=2) != (first, second)
    assert [len(part) for part in split_articles(dataset, 0.001)] == [1, 9]


def test_one_article_cannot_be_split():
    with pytest.raises(DataError, match="one article cannot be split"):
        split_articles(DATASET[:1], 0.5)


def test_a_held_out_threshold_names_the_articles_it_was_fitted_on():
    threshold, titles = fitted_threshold(DATASET, SPANS, ODDS, "held_out")
    fitted_on, scored_on = split_articles(DATASET, 0.5)
    assert titles == tuple(article["title"] for article in fitted_on)
    assert threshold == fit_threshold(fitted_on, SPANS, ODDS)
    held_out = held_out_scores(fitted_on, scored_on, SPANS, ODDS)
    assert squad_v2(scored_on, apply_threshold(SPANS, ODDS, threshold))["f1"] == held_out["f1"]


def test_a_single_article_gives_its_threshold_to_itself():
    assert fitted_threshold(DATASET[:1], SPANS, ODDS, "held_out") == (-2.0, ())


def test_the_originals_threshold_answers_what_its_second_pass_does():
    answered, scores = original_two_pass(DATASET, SPANS, ODDS)
    threshold, titles = fitted_threshold(DATASET, SPANS, ODDS, "original")
    assert apply_threshold(SPANS, ODDS, threshold) == answered
    assert threshold == pytest.approx(scores["null_score_diff_threshold"])
    assert titles == ()
