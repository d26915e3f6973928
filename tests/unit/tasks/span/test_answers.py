import json

from litebert.tasks.span.answers import null_odds_of, predictions_of, write_answers
from litebert.tasks.span.decode import Answers, Candidate


def answers(odds: float | None = None) -> Answers:
    best = Candidate("São Paulo", 0.75, 1.5, 2.5, (3, 12))
    return Answers([best, Candidate("Paulo", 0.25, 0.5, 2.5, (7, 12))], odds)


def test_every_question_is_answered_without_a_threshold():
    assert predictions_of({"q1": answers(), "q2": answers(9.0)}) == {
        "q1": "São Paulo",
        "q2": "São Paulo",
    }


def test_a_threshold_leaves_out_what_is_above_it():
    found = {"q1": answers(0.5), "q2": answers(0.51)}
    assert predictions_of(found, threshold=0.5) == {"q1": "São Paulo", "q2": ""}


def test_files_are_the_official_ones(tmp_path):
    found = {"q1": answers(0.5)}
    write_answers(tmp_path, found, {"q1": ""})
    assert json.loads((tmp_path / "predictions.json").read_text("utf-8")) == {"q1": ""}
    assert json.loads((tmp_path / "null_odds.json").read_text("utf-8")) == {"q1": 0.5}
    listed = json.loads((tmp_path / "nbest_predictions.json").read_text("utf-8"))["q1"]
    assert listed[0] == {
        "text": "São Paulo",
        "probability": 0.75,
        "start_log_prob": 1.5,
        "end_log_prob": 2.5,
    }
    assert len(listed) == 2


def test_without_odds_there_is_no_file_of_them(tmp_path):
    write_answers(tmp_path, {"q1": answers()}, {"q1": "São Paulo"})
    assert not (tmp_path / "null_odds.json").exists()
    assert null_odds_of({"q1": answers()}) == {}
