from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.report.page import Part
from litebert.tasks.span.passages import Judged, marked_parts, passage_of, question_type
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion
from litebert.tasks.span.task import SpanPrediction

CONTEXT = "The old bridge was built in 1503. A flood took it in 1784."


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who built it?", "who"),
        ("In what year was it built?", "what"),
        ("To whom did it belong?", "who"),
        ("Tell me how, and who helped.", "how"),
        ("¿Quién lo construyó?", "other"),
        ("", "other"),
    ],
)
def test_the_first_question_word_is_the_kind_of_a_question(question, kind):
    assert question_type(question) == kind


def test_what_both_hold_is_right_and_the_rest_wrong_or_missed():
    start = CONTEXT.index("built")
    given_, true = (start, start + 13), (start + 6, start + 13)  # "built in 1503", "in 1503"
    assert marked_parts(CONTEXT, given_, true) == [
        Part("The old bridge was "),
        Part("built ", "wrong"),
        Part("in 1503"[:7], "right"),
        Part(CONTEXT[start + 13 :]),
    ]
    assert [part.mark for part in marked_parts(CONTEXT, None, true) if part.mark] == ["missed"]
    assert marked_parts(CONTEXT, None, None) == [Part(CONTEXT)]


places = st.tuples(st.integers(0, 2000), st.integers(1, 40)).map(lambda p: (p[0], p[0] + p[1]))


@given(st.none() | places, st.none() | places)
def test_every_marked_character_is_shown_in_order(given_, true):
    context = "".join(f"w{i} " for i in range(500))
    bounded = [None if p is None or p[1] > len(context) else p for p in (given_, true)]
    parts = marked_parts(context, *bounded)
    for place, marks in zip(bounded, (("right", "wrong"), ("right", "missed")), strict=True):
        shown = "".join(part.text for part in parts if part.mark in marks)
        assert shown == ("" if place is None else context[slice(*place)])
    rest = context
    for part in parts:
        text = part.text.strip(" …") if not part.mark else part.text
        assert text in rest
        rest = rest[rest.index(text) + len(text) :]


def judged(answers: tuple[SquadAnswer, ...], answer: str = "1784") -> Judged:
    question = SquadQuestion("b", "When was it  built?", CONTEXT, answers, not answers, "Bridges")
    start = CONTEXT.index(answer)
    said = SpanPrediction(answer, start, start + len(answer), 0.625, None, ())
    return Judged(question, said, 0.0, 0.0)


def test_a_passage_shows_the_question_and_both_answers():
    passage = passage_of(judged((SquadAnswer("1503", 28), SquadAnswer("in 1503", None))))
    assert passage.heading == "When was it built?"
    assert [(p.text, p.mark) for p in passage.parts if p.mark] == [
        ("1503", "missed"),
        ("1784", "wrong"),
    ]
    assert passage.note == ("Bridges · said: “1784” (62.5 %) · right: “1503”, “in 1503” · F1 0.0 %")


def test_no_answer_is_said_in_words():
    assert "right: no answer" in passage_of(judged(())).note
    silent = judged((SquadAnswer("1503", 28),))
    silent = replace(silent, prediction=SpanPrediction("", None, None, 0.9, 2.2, ()))
    assert "said: no answer (90.0 %)" in passage_of(silent).note
