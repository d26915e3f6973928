"""Questions over contexts: what a span task's examples are, and the form they are scored in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SquadAnswer:
    """An answer's text, and the character of the context it begins at (None where not said)."""

    text: str
    start: int | None


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """A question over a context. `impossible`: it is known to have no answer there."""

    id: str
    question: str
    context: str
    answers: tuple[SquadAnswer, ...] = ()
    impossible: bool = False
    title: str = ""
    """The title of its article; its number and the beginning of its text where it has none."""

    @property
    def answer_span(self) -> tuple[int, int] | None:
        """`context[start:end]` of the first answer, for training; None where there is none."""
        if self.impossible or not self.answers or self.answers[0].start is None:
            return None
        return self.answers[0].start, self.answers[0].start + len(self.answers[0].text)


def as_dataset(questions: Iterable[SquadQuestion]) -> list[dict[str, Any]]:
    """The questions in the official form that `squad_v1` and `squad_v2` score.

    An article with each title, a paragraph with each context, in the order they first come.
    """
    articles: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for question in questions:
        answers = [
            {
                "text": answer.text,
                **({} if answer.start is None else {"answer_start": answer.start}),
            }
            for answer in question.answers
        ]
        row: dict[str, Any] = {"id": question.id, "question": question.question, "answers": answers}
        if question.impossible:
            row["is_impossible"] = True
        paragraphs = articles.setdefault(question.title, {})
        paragraphs.setdefault(question.context, []).append(row)
    return [
        {
            "title": title,
            "paragraphs": [{"context": text, "qas": rows} for text, rows in paragraphs.items()],
        }
        for title, paragraphs in articles.items()
    ]
