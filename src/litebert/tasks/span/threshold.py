"""When to say that a question has no answer: the threshold on its null odds, three ways.

1. `squad_v2(..., na_probs)` gives the official best scores, each with the threshold that is best
   on the very questions it is scored on.
2. `held_out_scores` fits the threshold on one part and scores another, which says what to expect
   of new questions.
3. `original_two_pass` does as the original's `evaluate_v2`, whose figures are those of the paper.
"""

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any, Literal

from litebert.foundation.errors import DataError
from litebert.foundation.randomness import Permutation
from litebert.tasks.metrics import question_scores, squad_v2
from litebert.tasks.metrics.squad import Dataset

Articles = list[Any]


def apply_threshold(
    predictions: Mapping[str, str], null_odds: Mapping[str, float], threshold: float
) -> dict[str, str]:
    """The predictions, with "" where a question's null odds are above the threshold."""
    return {
        key: "" if null_odds[key] > threshold else answer for key, answer in predictions.items()
    }


def fit_threshold(
    dataset: Dataset,
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
    metric: Literal["exact", "f1"] = "f1",
) -> float:
    """The threshold with the best score on `dataset`; `predictions` are the best spans.

    Unlike in the official sweep, questions of equal odds stay together, so that the score can be
    had, and where it is best to answer nothing the threshold is below all odds. Raises DataError
    where a question has no prediction or odds.
    """
    gained = _gains(dataset, predictions, metric)
    order = sorted(gained, key=lambda key: _odds(null_odds, key))
    best, threshold = 0.0, null_odds[order[0]] - 1
    total = 0.0
    for odds, keys in groupby(order, key=lambda key: null_odds[key]):
        total += sum(gained[key] for key in keys)
        if total > best:
            best, threshold = total, odds
    return float(threshold)


def fitted_threshold(
    dataset: Dataset,
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
    rule: Literal["held_out", "original"],
) -> tuple[float, tuple[str, ...]]:
    """The threshold for new questions, for `apply_threshold`, and the articles it was fitted on.

    "held_out" fits on half of the articles and leaves the others to score; of a single article
    all is taken, and none named. "original" takes that of `original_two_pass`, from all.
    """
    articles = list(dataset["data"] if isinstance(dataset, Mapping) else dataset)
    if rule == "original":
        threshold = squad_v2(articles, predictions, null_odds)["best_f1_thresh"]
        return math.nextafter(threshold, -math.inf), ()
    if len(articles) < 2:
        return fit_threshold(articles, predictions, null_odds), ()
    fitted_on, _ = split_articles(articles, 0.5)
    titles = tuple(article["title"] for article in fitted_on)
    return fit_threshold(fitted_on, predictions, null_odds), titles


def held_out_scores(
    fitted_on: Dataset,
    scored_on: Dataset,
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
    metric: Literal["exact", "f1"] = "f1",
) -> dict[str, float]:
    """The official scores of one part with the `threshold` that is best on another part."""
    threshold = fit_threshold(fitted_on, predictions, null_odds, metric)
    answered = apply_threshold(predictions, null_odds, threshold)
    return {**squad_v2(scored_on, answered), "threshold": threshold}


def split_articles(dataset: Dataset, fraction: float, seed: int = 0) -> tuple[Articles, Articles]:
    """Two parts of a data set, whole articles each; the first has about `fraction` of them.

    A function of the seed alone. Raises DataError where there are fewer than two articles.
    """
    articles = list(dataset["data"] if isinstance(dataset, Mapping) else dataset)
    if len(articles) < 2:
        raise DataError(
            "one article cannot be split into a part to fit a threshold on and one to score: "
            "give two data sets"
        )
    order = Permutation(len(articles), seed, "squad-parts")
    count = min(max(round(fraction * len(articles)), 1), len(articles) - 1)
    chosen = {order[i] for i in range(count)}
    return (
        [article for i, article in enumerate(articles) if i in chosen],
        [article for i, article in enumerate(articles) if i not in chosen],
    )


def original_two_pass(
    dataset: Dataset, predictions: Mapping[str, str], null_odds: Mapping[str, float]
) -> tuple[dict[str, str], dict[str, float]]:
    """Final predictions and scores as the original's `evaluate_v2` has them, oddities included.

    The first pass takes the F1 threshold of the official sweep, on the questions that are scored.
    The second answers a question only where its odds are below it: the one at the threshold, which
    the sweep counted as answered, is not. The official rule then runs once more with its fixed 1.0,
    meant for probabilities, on these odds: an answer whose odds are above 1 counts as none even
    where the threshold lets it through. Returns exact, f1, total, null_score_diff_threshold.
    """
    threshold = squad_v2(dataset, predictions, null_odds)["best_f1_thresh"]
    answered = {
        key: answer if null_odds[key] < threshold else "" for key, answer in predictions.items()
    }
    scores = squad_v2(dataset, answered, null_odds)
    kept = {name: scores[name] for name in ("exact", "f1", "total")}
    return answered, {**kept, "null_score_diff_threshold": threshold}


def _gains(
    dataset: Dataset, predictions: Mapping[str, str], metric: Literal["exact", "f1"]
) -> dict[str, float]:
    """What each question's prediction scores more than no answer would."""
    scores = question_scores(dataset, predictions)
    nothing = question_scores(dataset, dict.fromkeys(scores.exact, ""))
    with_answer: dict[str, float] = getattr(scores, metric)
    without: dict[str, float] = getattr(nothing, metric)
    return {key: with_answer[key] - without[key] for key in with_answer}


def _odds(null_odds: Mapping[str, float], key: str) -> float:
    if key not in null_odds:
        raise DataError(f"question {key} has no null odds: give every question its own")
    return null_odds[key]
