import pytest

from litebert.tasks.metrics import squad_v1
from litebert.tasks.span.overlap import LONGEST, overlapping_stretch
from litebert.tasks.span.questions import as_dataset
from litebert.tasks.squad.data import read_squad

CONTEXT = (
    "The heron stood in the river. The mill was built by Anna Berg in 1503. "
    "The fox slept in the old house, and the river was cold."
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("Who built the mill in 1503?", "Anna Berg"), ("What stood in the river?", "heron")],
)
def test_the_answer_stands_among_the_questions_words_and_is_none_of_them(
    question: str, answer: str
) -> None:
    found = overlapping_stretch(question, CONTEXT)
    assert answer in found
    assert found in CONTEXT
    assert len(found.split()) <= LONGEST
    asked = {word.strip("?").lower() for word in question.split()}
    assert not asked & set(found.lower().split())


def test_there_may_be_nothing_to_answer_with() -> None:
    assert overlapping_stretch("Was it cold?", "It was cold") == ""
    assert overlapping_stretch("Was it cold?", "…") == ""


def test_it_finds_something_of_real_answers(shared) -> None:
    questions = read_squad(shared / "data/squad/dev-v1.1.json").examples[:500]
    guesses = {one.id: overlapping_stretch(one.question, one.context) for one in questions}
    assert 8 < squad_v1(as_dataset(questions), guesses)["f1"] < 20
