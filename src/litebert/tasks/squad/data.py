"""Questions in SQuAD's JSON, read with every fault named by its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litebert.foundation.errors import DataError
from litebert.foundation.files import read_json
from litebert.tasks.faults import Faults, Loaded
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion
from litebert.tasks.words import shortened
from litebert.text.normalise import replace_surrogates

_TITLE = 60  # characters of its first context that stand for an article's title
_FORM = 'a SQuAD file is {"data": [{"paragraphs": [{"context": …, "qas": […]}]}]}'


class _Fault(Exception):
    """Why a part of the file cannot be used."""


def read_squad(
    path: Path, labelled: bool = True, skip_bad: bool = False, impossible: bool = True
) -> Loaded[SquadQuestion]:
    """Read the questions of an official file, 1.1 or 2.0, or of one's own in that form.

    `labelled`: every question must have an answer with its place, or be marked `is_impossible`, as
    training needs it; else answers are optional. An answer whose place is given must stand there;
    white space around it is no part of it. `impossible`: whether there may be questions without an
    answer, as in 2.0. Raises DataError naming the article, paragraph and question; with `skip_bad`
    such questions are left out and counted.
    """
    path = Path(path)
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise DataError(f"{path} has no list of articles: {_FORM}")
    faults = Faults(path, "questions")
    questions: dict[str, SquadQuestion] = {}
    for place, title, context, row in _rows(path, content["data"], faults):
        try:
            question = _question(row, context, title, labelled)
            if question.impossible and not impossible:
                raise _Fault("it has no answer, as in SQuAD 2.0, where SQuAD 1.1 is expected")
            if question.id in questions:
                raise _Fault(f'a question of id "{question.id}" stands further up already')
        except _Fault as fault:
            faults.add(place, str(fault))
        else:
            questions[question.id] = question
    return faults.settle(list(questions.values()), skip_bad)


def _rows(path: Path, articles: list[Any], faults: Faults) -> Iterator[tuple[str, str, str, Any]]:
    """Yield (place, title, context, question row); what is above a question is checked here."""
    for a, article in enumerate(articles, start=1):
        named = article.get("title") if isinstance(article, dict) else None
        titled = isinstance(named, str) and named.strip()
        title = replace_surrogates(str(named)) if titled else ""
        place = f"{path}, article {a}" + (f' ("{title}")' if titled else "")
        try:
            paragraphs = _list(article, "paragraphs")
        except _Fault as fault:
            faults.add(place, str(fault))
            continue
        for p, paragraph in enumerate(paragraphs, start=1):
            where = f"{place}, paragraph {p}"
            try:
                rows = _list(paragraph, "qas")
                context = _text(paragraph, "context")
            except _Fault as fault:
                faults.add(where, str(fault), count=_size(paragraph))
                continue
            # By its words, not its number, which articles of other files have too.
            title = title or f"article {a}: {shortened(context, _TITLE)}"
            for q, row in enumerate(rows, start=1):
                key = row.get("id") if isinstance(row, dict) else None
                known = f' ("{key}")' if isinstance(key, str) else ""
                yield f"{where}, question {q}{known}", title, context, row


def _question(row: Any, context: str, title: str, labelled: bool) -> SquadQuestion:
    key, text = _text(row, "id"), _text(row, "question")
    impossible = row.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise _Fault('"is_impossible" is neither true nor false')
    rows = _list(row, "answers", empty=True) if "answers" in row else []
    answers = tuple(_answer(answer, context) for answer in rows)
    if labelled and impossible and answers:
        raise _Fault('it is marked "is_impossible" and has answers: take away the one or the other')
    if labelled and not impossible:
        if not answers:
            raise _Fault('it has no answer: give one, or mark it "is_impossible": true')
        if answers[0].start is None:
            raise _Fault('its answer has no "answer_start": say where in the context it begins')
    return SquadQuestion(key, text, context, answers, impossible, title)


def _answer(row: Any, context: str) -> SquadAnswer:
    whole = _text(row, "text")
    start = row.get("answer_start")
    text = whole.strip()
    if start is None:
        return SquadAnswer(text, None)
    if not isinstance(start, int) or isinstance(start, bool):
        raise _Fault(f'"answer_start" is {start!r}, not a whole number')
    if start < 0 or context[start : start + len(whole)] != whole:
        raise _Fault(_misplaced(whole, start, context))
    return SquadAnswer(text, start + len(whole) - len(whole.lstrip()))


def _misplaced(text: str, start: int, context: str) -> str:
    shown = text if len(text) <= 60 else text[:59] + "…"
    places = [i for i in range(len(context)) if context.startswith(text, i)]
    if not places:
        return f'the answer "{shown}" is not in its context'
    nearest = min(places, key=lambda place: abs(place - start))
    return f'the answer "{shown}" begins at character {nearest} of its context, not at {start}'


def _size(paragraph: Any) -> int:
    """How many questions are lost with a paragraph; one at least."""
    rows = paragraph.get("qas") if isinstance(paragraph, dict) else None
    return max(len(rows), 1) if isinstance(rows, list) else 1


def _list(row: Any, name: str, empty: bool = False) -> list[Any]:
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, list):
        raise _Fault(f'no list "{name}": {_FORM}')
    if not value and not empty:
        raise _Fault(f'"{name}" is empty')
    return value


def _text(row: Any, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise _Fault(f'no text "{name}"')
    if not value.strip():
        raise _Fault(f'"{name}" is empty')
    return replace_surrogates(value)  # character for character: places stay
