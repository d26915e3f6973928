import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.metrics import (
    answer_scores,
    normalise_answer,
    question_scores,
    squad_v1,
    squad_v2,
)

ROWS = {"q1": ["the Seine", "Seine river"], "q2": ["1,999"], "q3": []}


def dataset(rows: dict[str, list[str]] = ROWS) -> list[dict]:
    qas = [{"id": key, "answers": [{"text": t} for t in texts]} for key, texts in rows.items()]
    return [{"paragraphs": [{"qas": qas}]}]


def test_normalised_answers_lack_case_punctuation_and_articles():
    assert normalise_answer("  The  river's\tAn “end”, a 1,999. ") == "rivers “end” 1999"
    assert normalise_answer("Thea an-a") == "thea ana"
    assert normalise_answer("The.") == ""


def test_an_answer_is_scored_against_the_true_one_it_fits_best():
    assert answer_scores(["the Seine", "Seine river"], "seine") == (1, 1)
    exact, f1 = answer_scores(["a long river", "a river"], "the old river")
    assert (exact, f1) == (0, pytest.approx(2 / 3))
    assert answer_scores(["x"], "") == (0, 0)
    assert answer_scores([], "") == answer_scores(["The"], "a") == (1, 1)
    assert answer_scores([], "Seine") == (0, 0)


def test_scores_of_1_1_are_in_percent_and_a_missing_prediction_gets_none():
    rows = {key: ROWS[key] for key in ("q1", "q2")}
    scores = squad_v1(dataset(rows), {"q1": "the river"})
    assert scores == {"exact_match": 0, "f1": pytest.approx(100 / 3), "missing_ids": 1}
    assert squad_v1({"version": "1.1", "data": dataset(rows)}, {"q1": "the river"}) == scores


def test_scores_of_2_0_are_told_apart_by_whether_there_is_an_answer():
    scores = squad_v2(dataset(), {"q1": "Seine", "q2": "", "q3": ""})
    assert scores == {
        "exact": pytest.approx(200 / 3),
        "f1": pytest.approx(200 / 3),
        "total": 3,
        "HasAns_exact": 50,
        "HasAns_f1": 50,
        "HasAns_total": 2,
        "NoAns_exact": 100,
        "NoAns_f1": 100,
        "NoAns_total": 1,
    }
    only = {"q3": []}
    assert "HasAns_total" not in squad_v2(dataset(only), {"q3": "x"})


def test_the_best_thresholds_are_on_the_odds():
    predictions = {"q1": "Seine", "q2": "1999", "q3": "Paris"}
    odds = {"q1": 0.1, "q2": 0.4, "q3": 0.7, "other": 0.2}
    scores = squad_v2(dataset(), predictions, odds)
    assert scores["best_exact"] == scores["best_f1"] == 100
    assert scores["best_exact_thresh"] == scores["best_f1_thresh"] == 0.4
    assert scores["exact"] == pytest.approx(200 / 3)  # none is above 1
    assert squad_v2(dataset(), predictions, odds, threshold=0.5)["exact"] == 100
    silent = squad_v2(dataset(), dict.fromkeys(ROWS, "nowhere"), odds)
    assert silent["best_exact_thresh"] == 0


def test_scores_come_by_question_too():
    scores = question_scores(dataset(), {"q1": "Seine", "q2": "2000", "q3": ""})
    assert scores.exact == {"q1": 1, "q2": 0, "q3": 1}
    assert scores.f1 == {"q1": 1, "q2": 0, "q3": 1}


def test_what_cannot_be_scored_is_named():
    with pytest.raises(DataError, match=r"question q3 has no answer: score .* as SQuAD 2.0"):
        squad_v1(dataset(), dict.fromkeys(ROWS, ""))
    with pytest.raises(DataError, match=r"2 of 3 questions have no prediction, the first .* q2"):
        squad_v2(dataset(), {"q1": ""})
    with pytest.raises(DataError, match="3 of 3 questions have no no-answer probability"):
        squad_v2(dataset(), dict.fromkeys(ROWS, ""), {})
    with pytest.raises(DataError, match="prediction of question q1 is a list where a text"):
        squad_v2(dataset(), {**dict.fromkeys(ROWS, ""), "q1": ["Seine"]})
    for empty in ([], {"data": []}, [{"paragraphs": []}]):
        with pytest.raises(DataError, match="no questions to score"):
            squad_v1(empty, {})
    for other in ({"rows": []}, [{"text": "x"}], [7], 7, [{"paragraphs": [{"qas": [{}]}]}]):
        with pytest.raises(DataError, match="not in SQuAD's form"):
            squad_v2(other, {})
