"""What a task of questions over contexts is, and what a user gets for a question."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from litebert.foundation.settings import Settings
from litebert.tasks.span.decode import MAX_ANSWER_LENGTH, N_BEST, Answers, Candidate
from litebert.tasks.span.windows import DOC_STRIDE, MAX_QUERY_LENGTH
from litebert.tasks.task import Task

ThresholdRule = Literal["held_out", "original"]


class SpanSettings(Settings):
    """How contexts become windows, what may be an answer, and when there is none."""

    doc_stride: int | None = Field(None, ge=1)
    """Tokens from one window on a context to the next; by default 128, and at most a third of
    max-length."""
    max_query_length: int | None = Field(None, ge=1)
    """Tokens of a question that are kept; by default 64, and at most a third of max-length."""
    max_answer_length: int = Field(MAX_ANSWER_LENGTH, ge=1)
    """Tokens of an answer, at most."""
    n_best: int = Field(N_BEST, ge=1)
    """Answers to a question that are kept, at most."""
    threshold: ThresholdRule = "held_out"
    """SQuAD 2.0, from which null odds on a question has no answer: fitted on half of the
    validation articles and scored on the others (held_out), or as the original does, fitted on
    the questions that are scored (original)."""


class QuestionTask(Task):
    """A task whose examples are questions over contexts."""

    question_column: str = "question"
    """The column that holds the question."""
    context_column: str = "context"
    """The column that holds the context."""
    label_column: str = "answer"
    """The column that holds the answer."""
    doc_stride: int = Field(DOC_STRIDE, ge=1)
    """Tokens from one window on a context to the next."""
    max_query_length: int = Field(MAX_QUERY_LENGTH, ge=1)
    """Tokens of a question that are kept."""
    max_answer_length: int = Field(MAX_ANSWER_LENGTH, ge=1)
    """Tokens of an answer, at most."""
    n_best: int = Field(N_BEST, ge=1)
    """Answers to a question that are kept, at most."""


class SpanTask(QuestionTask):
    """Every question has an answer in its context (SQuAD 1.1)."""

    kind: Literal["span"] = "span"
    """What is predicted: a stretch of the context."""
    metric: str = "f1"
    """The score by which the best checkpoint was chosen."""


class AnswerableSpanTask(QuestionTask):
    """Questions may have no answer in their context (SQuAD 2.0)."""

    kind: Literal["answerable_span"] = "answerable_span"
    """What is predicted: a stretch of the context, or that there is no answer."""
    metric: str = "best_f1"
    """The score by which the best checkpoint was chosen."""
    threshold_rule: ThresholdRule = "held_out"
    """How the threshold is fitted."""
    threshold: float | None = None
    """Questions whose null odds are above have no answer; without it every one is answered."""
    threshold_articles: tuple[str, ...] = ()
    """The articles whose questions the threshold was fitted on, where others were to score."""


@dataclass(frozen=True, slots=True)
class SpanPrediction:
    """The answer to a question: `context[start:end]`, or "" and no place where there is none.

    `probability` is the model's belief in what it says: the answer's share among the n-best, and
    where there may be none, times the probability of an answer (or that of none itself).
    """

    answer: str
    start: int | None
    end: int | None
    probability: float
    null_odds: float | None
    """The logit of there being no answer (SQuAD 2.0)."""
    candidates: tuple[Candidate, ...]
    """The n-best, best first, with their shares; those that are no answer are among them."""

    def as_dict(self) -> dict[str, Any]:
        """Answer, place, probability and null odds, if any, as plain values."""
        values = {
            "answer": self.answer,
            "start": self.start,
            "end": self.end,
            "probability": self.probability,
        }
        return values if self.null_odds is None else {**values, "null_odds": self.null_odds}


def span_prediction(answers: Answers, context: str, answered: bool) -> SpanPrediction:
    """The best answer where the question is answered, else that it has none."""
    best, odds = answers.candidates[0], answers.null_odds
    none = 0.0 if odds is None else _sigmoid(odds)
    place = answer_place(best, context) if answered else None
    everything = tuple(answers.candidates)
    if place is None:
        return SpanPrediction("", None, None, none, odds, everything)
    return SpanPrediction(best.text, *place, best.probability * (1 - none), odds, everything)


def answer_place(candidate: Candidate, context: str) -> tuple[int, int] | None:
    """Where the text of a candidate stands: its span without white space around it."""
    if candidate.span is None or not candidate.text:
        return None
    start = context.index(candidate.text, candidate.span[0])
    return start, start + len(candidate.text)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
