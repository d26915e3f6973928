import json

import pytest

from litebert.report.page import Passage, render
from litebert.tasks.kind import Result
from litebert.tasks.metrics import squad_v1, squad_v2
from litebert.tasks.span.answers import null_odds_of, predictions_of
from litebert.tasks.span.decode import Answers, Candidate
from litebert.tasks.span.evaluation import SpanEvaluation, dataset_of
from litebert.tasks.span.kind import ANSWERABLE_SPAN, SPAN
from litebert.tasks.span.overlap import overlapping_stretch
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion
from litebert.tasks.span.task import AnswerableSpanTask, SpanTask
from litebert.tasks.span.threshold import original_two_pass, split_articles

CONTEXT = "The old bridge was built in 1503. A flood took it in 1784."
QUESTIONS = ["When was it built?", "Who built it?", "What took it?", "In which year was the flood?"]
TRUE = ["1503", "", "A flood", "1784"]
SAID = ["in 1503", "A flood", "A flood", "1503"]


def result(article: int, number: int, odds: float | None, impossible: bool) -> Result:
    answer, said = TRUE[number] or "old bridge", SAID[number]
    none = impossible and not TRUE[number]
    start = CONTEXT.index(said)
    return Result(
        SquadQuestion(
            f"a{article}q{number}",
            QUESTIONS[number],
            CONTEXT,
            () if none else (SquadAnswer(answer, CONTEXT.index(answer)),),
            none,
            f"Article {article}",
        ),
        Answers([Candidate(said, 0.9 - number / 10, 1, 1, (start, start + len(said)))], odds),
        tokens=20,
    )


def results(impossible: bool = False, articles: int = 4) -> list[Result]:
    return [
        result(article, number, (number - 2.0 + article / 8) if impossible else None, impossible)
        for article in range(articles)
        for number in range(4)
    ]


def test_the_scores_are_the_official_ones_with_groups_and_the_surest_mistakes():
    found = SPAN.evaluate(results(), SpanTask(), ["1 question was left out"])
    official = squad_v1(
        dataset_of(results()), predictions_of({r.example.id: r.value for r in results()})
    )
    assert found.official == {name: official[name] for name in ("exact_match", "f1")}
    assert found.metrics == {name: value / 100 for name, value in found.official.items()}
    assert SPAN.scores(results(), SpanTask()) == found.metrics
    guesses = {r.example.id: overlapping_stretch(r.example.question, CONTEXT) for r in results()}
    assert found.overlap == pytest.approx(squad_v1(dataset_of(results()), guesses)["f1"] / 100)
    assert f"word overlap would score {100 * found.overlap:.2f} %" in found.findings().lead
    assert found.as_dict()["word_overlap"] == found.overlap
    rows = {row[0]: row[1:] for row in found.types}
    assert rows["what"] == [4, 1, 1]
    assert list(rows) == ["who", "what", "when", "which"]
    assert sum(row[1] for row in found.types) == found.examples == 16
    assert [m.question.question for m in found.mistakes[:4]] == ["Who built it?"] * 4
    assert {m.question.question for m in found.right} == {"What took it?"}
    values = json.loads(json.dumps(found.as_dict()))
    assert values["by_question"][1] == {"question": "what", "questions": 4, "exact": 1, "f1": 1}
    assert "threshold" not in values
    assert values["remarks"] == ["1 question was left out"]


def test_a_page_shows_answers_in_their_contexts():
    found = SPAN.evaluate(results(), SpanTask(), []).findings()
    blocks = [block for section in found.sections for block in section.blocks]
    assert any(isinstance(block, Passage) for block in blocks)
    html = render("Evaluation", "", found.sections)
    assert '<mark class="wrong">A flood</mark>' in html
    assert '<mark class="missed">old bridge</mark>' in html
    assert "exact match" in found.card


def finished(rule: str, articles: int = 4) -> AnswerableSpanTask:
    task = AnswerableSpanTask(threshold_rule=rule)
    return ANSWERABLE_SPAN.finished(None, task, results(True, articles))


def test_a_held_out_threshold_is_fitted_on_some_articles_and_scored_on_the_others():
    task, everything = finished("held_out"), results(impossible=True)
    fitted_on, scored_on = split_articles(dataset_of(everything), 0.5)
    assert task.threshold_articles == tuple(article["title"] for article in fitted_on)
    found = ANSWERABLE_SPAN.evaluate(everything, task, [])
    assert found.examples == 8
    answered = {
        r.example.id: r.value.text if r.value.null_odds <= task.threshold else ""
        for r in everything
    }
    official = squad_v2(scored_on, answered)
    assert {name: found.official[name] for name in official} == official
    assert found.files["predictions.json"] == answered
    assert found.unanswerable == 0.25
    assert "was fitted on 8 questions of 2 articles, which are left out" in found.rule
    for text in (found.findings().lead, found.findings().card, found.as_dict()["threshold_from"]):
        assert found.rule in text


def test_other_questions_are_scored_all_of_them():
    task = finished("held_out").changed(threshold_articles=("Elsewhere",))
    found = ANSWERABLE_SPAN.evaluate(results(impossible=True), task, [])
    assert found.examples == 16
    assert "was fitted on other articles" in found.rule


def test_a_threshold_from_a_single_article_says_so():
    task = finished("held_out", articles=1)
    found = ANSWERABLE_SPAN.evaluate(results(True, 1), task, [])
    assert found.examples == 4
    assert "which no others are held out from" in found.rule


def test_the_originals_way_is_its_two_passes():
    task, everything = finished("original"), results(impossible=True)
    answers = {r.example.id: r.value for r in everything}
    found = ANSWERABLE_SPAN.evaluate(everything, task, [])
    answered, scores = original_two_pass(
        dataset_of(everything), predictions_of(answers), null_odds_of(answers)
    )
    assert {name: found.official[name] for name in scores} == scores
    assert found.files["predictions.json"] == answered
    assert "as the original does" in found.rule


def test_the_best_checkpoint_is_that_of_the_best_threshold():
    answers = {r.example.id: r.value for r in results(True)}
    official = squad_v2(dataset_of(results(True)), predictions_of(answers), null_odds_of(answers))
    scores = ANSWERABLE_SPAN.scores(results(True), AnswerableSpanTask())
    assert scores == {name: official[name] / 100 for name in ("best_exact", "best_f1")}


def test_without_a_threshold_every_question_is_answered():
    found: SpanEvaluation = ANSWERABLE_SPAN.evaluate(results(True), AnswerableSpanTask(), [])
    assert "" not in found.files["predictions.json"].values()
    assert found.files["null_odds.json"]["a0q0"] == -2.0
    assert found.files["nbest_predictions.json"]["a0q0"][0]["probability"] == pytest.approx(0.9)
