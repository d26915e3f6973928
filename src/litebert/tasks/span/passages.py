"""Answers as a page shows them: marked in their contexts, and the kinds of questions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from litebert.report.page import Part, Passage
from litebert.tasks.metrics import answer_scores
from litebert.tasks.span.questions import SquadQuestion
from litebert.tasks.span.task import SpanPrediction
from litebert.tasks.words import percent, shortened

QUESTION_TYPES = ("who", "what", "when", "where", "why", "how", "which", "other")
LEGEND = (
    "Underlined is what the model answered rightly, dashed what it answered wrongly, and doubly "
    "underlined what it should have answered."
)
_AROUND = 160  # characters that are shown on either side of an answer
_NAMES = {"whom": "who", "whose": "who"}
_WORD = re.compile(r"\w+")
_QUESTION, _ANSWER = 300, 120  # characters that are shown

Place = tuple[int, int]


def question_type(question: str) -> str:
    """The first question word of an English question, "other" where it has none."""
    for word in _WORD.findall(question.lower()):
        name: str = _NAMES.get(word, word)
        if name in QUESTION_TYPES[:-1]:
            return name
    return QUESTION_TYPES[-1]


@dataclass(frozen=True)
class Judged:
    """A question, what the model says of it, and how right that is (0 to 1)."""

    question: SquadQuestion
    prediction: SpanPrediction
    exact: float
    f1: float

    @property
    def instructive(self) -> float:
        """How surely it is wrong."""
        return self.prediction.probability * (1 - self.f1)


def passage_of(judged: Judged) -> Passage:
    """The question, the context around what was and what should have been answered, and both."""
    question, prediction = judged.question, judged.prediction
    given = None
    if prediction.start is not None and prediction.end is not None:
        given = prediction.start, prediction.end
    parts = marked_parts(question.context, given, _true_place(question, prediction.answer))
    said = f"“{shortened(prediction.answer, _ANSWER)}”" if prediction.answer else "no answer"
    texts = dict.fromkeys(answer.text for answer in question.answers)
    right = ", ".join(f"“{shortened(text, _ANSWER)}”" for text in texts) or "no answer"
    note = (
        f"{question.title} · said: {said} ({percent(prediction.probability)}) · "
        f"right: {right} · F1 {percent(judged.f1)}"
    )
    return Passage(shortened(question.question, _QUESTION), parts, note.removeprefix(" · "))


def marked_parts(context: str, given: Place | None, true: Place | None) -> list[Part]:
    """The context around two places, in parts: what both hold is right, the first alone wrong,
    the second alone missed. Without either, its beginning."""
    places = [place for place in (given, true) if place is not None]
    parts: list[Part] = []
    end = 0
    for start, stop in _stretches(context, places or [(0, _AROUND)]):
        if start > end:
            parts.append(Part("… " if end == 0 else " … "))
        edges = {start, stop, *(edge for place in places for edge in place)}
        cuts = sorted(edge for edge in edges if start <= edge <= stop)
        for left, right in pairwise(cuts):
            in_given, in_true = (_holds(place, left) for place in (given, true))
            text = context[left:right]
            if in_given and in_true:
                parts.append(Part(text, "right"))
            elif in_given:
                parts.append(Part(text, "wrong"))
            else:
                parts.append(Part(text, "missed" if in_true else ""))
        end = stop
    return [*parts, Part(" …")] if end < len(context) else parts


def _stretches(context: str, places: Sequence[Place]) -> Iterator[Place]:
    """The places with some whole words around them, those that meet joined."""
    wide = sorted(
        (_word_edge(context, start - _AROUND, 1), _word_edge(context, end + _AROUND, -1))
        for start, end in places
    )
    begin, stop = wide[0]
    for start, end in wide[1:]:
        if start > stop:
            yield begin, stop
            begin = start
        stop = max(stop, end)
    yield begin, stop


def _word_edge(context: str, place: int, step: int) -> int:
    """The nearest edge of a word inwards, or the place itself where there is none near."""
    if place <= 0 or place >= len(context):
        return min(max(place, 0), len(context))
    for distance in range(_AROUND // 2):
        inner = place + step * distance
        if context[inner - 1 if step > 0 else inner].isspace():
            return inner
    return place


def _holds(place: Place | None, character: int) -> bool:
    return place is not None and place[0] <= character < place[1]


def _true_place(question: SquadQuestion, guess: str) -> Place | None:
    """Where the true answer stands that fits a guess best, or first of those that fit alike."""
    best: Place | None = None
    highest = -1.0
    for answer in question.answers:
        start = question.context.find(answer.text) if answer.start is None else answer.start
        _, f1 = answer_scores([answer.text], guess)
        if start >= 0 and f1 > highest:
            best, highest = (start, start + len(answer.text)), f1
    return best
