"""Every score against scikit-learn, scipy and the official definitions, on 1,000 random sets each.

The official SQuAD scripts are no package, so their definitions are written out here once more, in
the plainest way, from what the scripts do.
"""

import re
import string
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from litebert.tasks.glue.tasks import glue_scores, glue_task
from litebert.tasks.metrics import choice_scores, matthews, pearson, spearman, squad_v1, squad_v2

SETS = 1000
EXACT = 1e-12
VOCABULARY = ["the", "a", "An", "Seine", "river", "river's", "1,999", "in", "-", "...", "İ", "ß"]


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def near(value: float):
    return pytest.approx(value, abs=EXACT, rel=EXACT)


def test_scores_of_two_classes_are_scikit_learns(rng):
    task = glue_task("mrpc")
    for size in rng.integers(1, 60, SETS // 50):
        truth, predicted = rng.integers(0, 2, (2, size, 50))  # scikit-learn's columns: 50 sets
        f1 = sklearn_metrics.f1_score(truth, predicted, average=None, zero_division=0.0)
        for true, guess, expected in zip(truth.T, predicted.T, f1, strict=True):
            scores = glue_scores(task, true, guess)
            assert scores["accuracy"] == near(sklearn_metrics.accuracy_score(true, guess))
            assert scores["f1"] == near(expected)


def test_matthews_is_scikit_learns_for_any_number_of_classes(rng):
    for _ in range(SETS):
        classes = rng.integers(2, 6)
        truth, predicted = rng.integers(0, classes, (2, rng.integers(9, 60)))
        expected = sklearn_metrics.matthews_corrcoef(truth, predicted)
        assert matthews(truth, predicted) == near(expected)


def test_matthews_holds_for_as_many_rows_as_qqp_has(rng):
    truth, noise = rng.integers(0, 2, (2, 400_000))
    predicted = np.where(noise & rng.integers(0, 2, noise.shape), 1 - truth, truth)
    assert matthews(truth, predicted) == near(sklearn_metrics.matthews_corrcoef(truth, predicted))


def test_correlations_are_scipys_with_and_without_ties(rng):
    for _ in range(SETS):
        truth, predicted = rng.normal(2.5, 1.5, (2, rng.integers(3, 60)))
        if rng.random() < 0.5:
            truth, predicted = truth.round(0), predicted.round(1)
        if len(set(truth)) == 1 or len(set(predicted)) == 1:
            continue
        assert pearson(truth, predicted) == near(stats.pearsonr(truth, predicted).statistic)
        assert spearman(truth, predicted) == near(stats.spearmanr(truth, predicted).statistic)


def test_what_is_undefined_scores_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(stats.pearsonr([0.1] * 5, [1, 2, 3, 4, 5]).statistic)
    assert pearson([0.1] * 5, [1, 2, 3, 4, 5]) == spearman([1, 2, 3], [0.1] * 3) == 0
    assert matthews([0, 1], [1, 1]) == sklearn_metrics.matthews_corrcoef([0, 1], [1, 1]) == 0
    assert matthews([1, 1], [1, 1]) == 0


def test_accuracies_are_scikit_learns_in_all_and_means_by_level(rng):
    for _ in range(SETS):
        size = rng.integers(1, 40)
        truth, predicted = rng.integers(0, 4, (2, size))
        levels = rng.choice(["middle", "high"], size)
        scores = choice_scores(truth.tolist(), predicted.tolist(), levels.tolist())
        assert scores.pop("accuracy") == near(sklearn_metrics.accuracy_score(truth, predicted))
        assert set(scores) == set(levels)
        for level, score in scores.items():
            assert score == near(np.mean((truth == predicted)[levels == level]))


def test_squad_1_is_the_official_definition(rng):
    for _ in range(SETS):
        dataset, predictions, _ = random_set(rng, unanswerable=0.0)
        missing = [key for key in predictions if rng.random() < 0.1]
        for key in missing:
            del predictions[key]
        scores = squad_v1(dataset, predictions)
        exact, f1 = official_v1(dataset, predictions)
        assert (scores["exact_match"], scores["f1"]) == (near(exact), near(f1))
        assert scores["missing_ids"] == len(missing)


def test_squad_2_is_the_official_definition(rng):
    for _ in range(SETS):
        dataset, predictions, _ = random_set(rng)
        assert squad_v2(dataset, predictions) == pytest.approx(
            official_v2(dataset, predictions, None, 1.0), abs=EXACT, rel=EXACT
        )


def test_squad_2_with_odds_is_the_official_definition(rng):
    for _ in range(SETS):
        dataset, predictions, odds = random_set(rng)
        threshold = float(rng.choice([1.0, 0.5, 0.0]))
        assert squad_v2({"data": dataset}, predictions, odds, threshold) == pytest.approx(
            official_v2(dataset, predictions, odds, threshold), abs=EXACT, rel=EXACT
        )


def random_set(rng, unanswerable: float = 0.4):
    """Articles, predictions and no-answer odds, with ties, of few words so that many are shared."""

    def text(least: int) -> str:
        return " ".join(rng.choice(VOCABULARY, rng.integers(least, 4)))

    dataset, predictions, odds = [], {}, {}
    for article in range(rng.integers(1, 3)):
        rows = []
        for question in range(rng.integers(1, 6)):
            key = f"{article}-{question}"
            count = 0 if rng.random() < unanswerable else rng.integers(1, 4)
            answers = [{"text": text(1)} for _ in range(count)]
            rows.append({"id": key, "answers": answers})
            guess = answers[0]["text"] if count and rng.random() < 0.4 else text(0)
            predictions[key] = "" if unanswerable and rng.random() < 0.2 else guess
            odds[key] = round(float(rng.normal()), int(rng.integers(0, 3)))
        dataset.append({"paragraphs": [{"qas": rows}]})
    return dataset, predictions, odds


def official_words(text: str) -> list[str]:
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text, flags=re.UNICODE).split()


def official_f1(gold: list[str], guess: list[str]) -> float:
    same = sum(min(gold.count(word), guess.count(word)) for word in set(gold))
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(guess), 1.0 * same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def official_rows(dataset):
    return [row for a in dataset for p in a["paragraphs"] for row in p["qas"]]


def official_v1(dataset, predictions) -> tuple[float, float]:
    rows = official_rows(dataset)
    exact = f1 = 0.0
    for row in rows:
        if row["id"] in predictions:
            guess = official_words(predictions[row["id"]])
            golds = [official_words(answer["text"]) for answer in row["answers"]]
            exact += max(float(gold == guess) for gold in golds)
            f1 += max(official_f1(gold, guess) for gold in golds)
    return 100.0 * exact / len(rows), 100.0 * f1 / len(rows)


def official_v2(dataset, predictions, odds, threshold) -> dict[str, float]:
    rows = official_rows(dataset)
    raw = {"exact": {}, "f1": {}}
    for row in rows:
        guess = official_words(predictions[row["id"]])
        golds = [gold for a in row["answers"] if (gold := official_words(a["text"]))] or [[]]
        raw["exact"][row["id"]] = max(int(gold == guess) for gold in golds)
        raw["f1"][row["id"]] = max(
            official_f1(gold, guess) if gold and guess else int(gold == guess) for gold in golds
        )
    has = {row["id"]: bool(row["answers"]) for row in rows}
    result = {}
    groups = {"": list(has), "HasAns_": [k for k in has if has[k]]}
    groups["NoAns_"] = [key for key in has if not has[key]]
    for prefix, keys in groups.items():
        if keys:
            for name, values in raw.items():
                judged = [
                    float(not has[k]) if odds is not None and odds[k] > threshold else values[k]
                    for k in keys
                ]
                result[prefix + name] = 100.0 * sum(judged) / len(keys)
            result[prefix + "total"] = len(keys)
    if odds is not None:
        for name, values in raw.items():
            best, at = official_sweep(predictions, values, odds, has)
            result |= {f"best_{name}": best, f"best_{name}_thresh": at}
    return result


def official_sweep(predictions, scores, odds, has) -> tuple[float, float]:
    current = sum(1 for key in has if not has[key])
    best, at = current, 0.0
    for key in sorted(odds, key=lambda key: odds[key]):
        current += scores[key] if has[key] else (-1 if predictions[key] else 0)
        if current > best:
            best, at = current, odds[key]
    return 100.0 * best / len(scores), at
