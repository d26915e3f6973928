"""Answers in the official files' form: predictions.json, nbest_predictions.json, null_odds.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litebert.foundation.files import write_json
from litebert.tasks.span.decode import Answers
from litebert.tasks.span.threshold import apply_threshold

PREDICTIONS = "predictions.json"
N_BEST_PREDICTIONS = "nbest_predictions.json"
NULL_ODDS = "null_odds.json"


def predictions_of(
    answers: Mapping[str, Answers], threshold: float | None = None
) -> dict[str, str]:
    """The answer of each question by its id; "" where its null odds are above the threshold.

    Without a threshold every question is answered.
    """
    best = {key: found.text for key, found in answers.items()}
    return best if threshold is None else apply_threshold(best, null_odds_of(answers), threshold)


def null_odds_of(answers: Mapping[str, Answers]) -> dict[str, float]:
    """The logit of having no answer by question id, of questions that have one (SQuAD 2.0)."""
    return {key: found.null_odds for key, found in answers.items() if found.null_odds is not None}


def answer_files(
    answers: Mapping[str, Answers], predictions: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The content of the files that the official scripts read, and of the n-best list, by name.

    `null_odds.json` only where there are odds.
    """
    files: dict[str, dict[str, Any]] = {
        PREDICTIONS: dict(predictions),
        N_BEST_PREDICTIONS: {key: _listed(found) for key, found in answers.items()},
    }
    odds = null_odds_of(answers)
    return {**files, NULL_ODDS: dict(odds)} if odds else files


def write_answers(
    folder: Path, answers: Mapping[str, Answers], predictions: Mapping[str, str]
) -> None:
    """Write `answer_files`. Raises StorageError where they cannot be written."""
    for name, content in answer_files(answers, predictions).items():
        write_json(Path(folder) / name, content)


def _listed(answers: Answers) -> list[dict[str, Any]]:
    return [
        {
            "text": candidate.text,
            "probability": candidate.probability,
            "start_log_prob": candidate.start_score,
            "end_log_prob": candidate.end_score,
        }
        for candidate in answers.candidates
    ]
