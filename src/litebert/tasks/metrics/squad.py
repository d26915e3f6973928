"""The scores of SQuAD as the official evaluation scripts of 1.1 and 2.0 define them, in percent.

Answers are compared after `normalise_answer`, as a whole (exact) and by the words they share (F1),
with whichever of a question's answers fits best.
"""

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litebert.foundation.errors import DataError

Dataset = Sequence[Any] | Mapping[str, Any]
"""The articles of an official file, or its whole content with the articles under "data"."""

OFFICIAL_THRESHOLD = 1.0
"""A question is taken for unanswerable above this no-answer probability, unless told otherwise."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """Exact match and F1, 0 to 1, by question id."""

    exact: dict[str, float]
    f1: dict[str, float]


def squad_v1(dataset: Dataset, predictions: Mapping[str, str]) -> dict[str, float]:
    """`exact_match` and `f1` of answers by question id; `missing_ids` questions had none and got 0.

    Raises DataError where the data set has no questions, or one without answers.
    """
    exact = f1 = 0.0
    total = missing = 0
    for question in _questions(dataset):
        total += 1
        if not question.answers:
            raise DataError(
                f"question {question.id} has no answer: score such a data set as SQuAD 2.0"
            )
        if question.id not in predictions:
            missing += 1
            continue
        guess = _text(predictions, question.id)
        exact += max(float(_is_exact(answer, guess)) for answer in question.answers)
        f1 += max(_shared_words(_words(answer), _words(guess)) for answer in question.answers)
    return {"exact_match": 100.0 * exact / total, "f1": 100.0 * f1 / total, "missing_ids": missing}


def squad_v2(
    dataset: Dataset,
    predictions: Mapping[str, str],
    na_probs: Mapping[str, float] | None = None,
    threshold: float = OFFICIAL_THRESHOLD,
) -> dict[str, float]:
    """The scores of SQuAD 2.0: `exact`, `f1`, `total`, and the same as HasAns_… and NoAns_….

    `predictions` are texts by question id, "" for no answer. `na_probs`, where given, are numbers
    that are higher the likelier a question has no answer: one above `threshold` counts as such,
    and the dict has `best_exact`, `best_f1` and their thresholds too, which are fitted on the
    very questions they are scored on. Raises DataError where a question has no prediction.
    """
    questions = list(_questions(dataset))
    scores = _raw_scores(questions, predictions)
    judged = scores
    if na_probs is not None:
        _require_all(na_probs, questions, "no-answer probability")
        unanswered = {q.id for q in questions if na_probs[q.id] > threshold}
        nothing = {q.id: float(not q.has_answer) for q in questions if q.id in unanswered}
        judged = QuestionScores({**scores.exact, **nothing}, {**scores.f1, **nothing})
    result = _means(judged, [question.id for question in questions])
    for prefix, kind in (("HasAns", True), ("NoAns", False)):
        ids = [question.id for question in questions if question.has_answer is kind]
        if ids:
            part = _means(judged, ids)
            result |= {f"{prefix}_{name}": value for name, value in part.items()}
    if na_probs is not None:
        for name, values in (("exact", scores.exact), ("f1", scores.f1)):
            best, at = _best_threshold(questions, predictions, values, na_probs)
            result |= {f"best_{name}": best, f"best_{name}_thresh": at}
    return result


def question_scores(dataset: Dataset, predictions: Mapping[str, str]) -> QuestionScores:
    """`answer_scores` of every question. Raises DataError where one has no prediction."""
    return _raw_scores(list(_questions(dataset)), predictions)


def answer_scores(answers: Sequence[str], guess: str) -> tuple[float, float]:
    """Exact match and F1, 0 to 1, of one answer against the true ones, as SQuAD 2.0 has them.

    No true answers, or none that normalisation leaves anything of, mean that "" is right.
    """
    golden = [answer for answer in answers if normalise_answer(answer)] or [""]
    exact = max(float(_is_exact(answer, guess)) for answer in golden)
    return exact, max(_f1_or_both_empty(_words(answer), _words(guess)) for answer in golden)


def normalise_answer(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, white space collapsed."""
    plain = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


@dataclass(frozen=True, slots=True)
class _Question:
    id: str
    answers: list[str]

    @property
    def has_answer(self) -> bool:
        return bool(self.answers)


def _raw_scores(questions: Sequence[_Question], predictions: Mapping[str, str]) -> QuestionScores:
    _require_all(predictions, questions, "prediction")
    scores = QuestionScores({}, {})
    for question in questions:
        guess = _text(predictions, question.id)
        scores.exact[question.id], scores.f1[question.id] = answer_scores(question.answers, guess)
    return scores


def _questions(dataset: Dataset) -> Iterator[_Question]:
    empty = True
    try:
        for article in dataset["data"] if isinstance(dataset, Mapping) else dataset:
            for paragraph in article["paragraphs"]:
                for row in paragraph["qas"]:
                    empty = False
                    yield _Question(row["id"], [answer["text"] for answer in row["answers"]])
    except (KeyError, TypeError) as problem:
        raise DataError(f"the data set is not in SQuAD's form: {problem!r}") from None
    if empty:
        raise DataError("the data set has no questions to score")


def _best_threshold(
    questions: Sequence[_Question],
    predictions: Mapping[str, str],
    scores: Mapping[str, float],
    na_probs: Mapping[str, float],
) -> tuple[float, float]:
    """The official sweep: answers are let through one by one, the surest first.

    Returns the best score and the no-answer probability of the last question let through, 0 where
    it is best to answer nothing. Equal probabilities are not kept together.
    """
    answerable = {question.id: question.has_answer for question in questions}
    current = float(sum(not has for has in answerable.values()))
    best, best_at = current, 0.0
    for key in sorted(na_probs, key=lambda key: na_probs[key]):
        if key not in scores:
            continue
        if answerable[key]:
            current += scores[key]
        elif predictions[key]:
            current -= 1
        if current > best:
            best, best_at = current, na_probs[key]
    return 100.0 * best / len(scores), best_at


def _means(scores: QuestionScores, ids: Sequence[str]) -> dict[str, float]:
    return {
        "exact": 100.0 * sum(scores.exact[key] for key in ids) / len(ids),
        "f1": 100.0 * sum(scores.f1[key] for key in ids) / len(ids),
        "total": len(ids),
    }


def _is_exact(answer: str, guess: str) -> bool:
    return normalise_answer(answer) == normalise_answer(guess)


def _words(text: str) -> list[str]:
    return normalise_answer(text).split()


def _shared_words(answer: Sequence[str], guess: Sequence[str]) -> float:
    """F1 of two bags of words, 0 where they share none (so where both are empty, too)."""
    shared = sum((Counter(answer) & Counter(guess)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(guess), shared / len(answer)
    return 2 * precision * recall / (precision + recall)


def _f1_or_both_empty(answer: Sequence[str], guess: Sequence[str]) -> float:
    if not answer or not guess:
        return float(answer == guess)
    return _shared_words(answer, guess)


def _text(predictions: Mapping[str, str], key: str) -> str:
    guess = predictions[key]
    if not isinstance(guess, str):
        kind = type(guess).__name__
        raise DataError(f"the prediction of question {key} is a {kind} where a text is expected")
    return guess


def _require_all(values: Mapping[str, Any], questions: Sequence[_Question], what: str) -> None:
    missing = [question.id for question in questions if question.id not in values]
    if missing:
        raise DataError(
            f"{len(missing):,} of {len(questions):,} questions have no {what}, the first being "
            f'{missing[0]}: give each one (a prediction of "" stands for no answer)'
        )
