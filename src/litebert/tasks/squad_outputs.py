"""Answers in the official files' form: predictions.json, nbest_predictions.json, null_odds.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litebert.foundation.files import write_json
from litebert.tasks.squad_decode import Answers
from litebert.tasks.squad_threshold import apply_threshold

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


def write_answers(
    folder: Path, answers: Mapping[str, Answers], predictions: Mapping[str, str]
) -> None:
    """Write the files that the official scripts read, and the n-best list beside them.

    `null_odds.json` only where there are odds. Raises StorageError where they cannot be written.
    """
    folder = Path(folder)
    write_json(folder / PREDICTIONS, dict(predictions))
    write_json(folder / N_BEST_PREDICTIONS, {key: _listed(found) for key, found in answers.items()})
    if odds := null_odds_of(answers):
        write_json(folder / NULL_ODDS, odds)


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
