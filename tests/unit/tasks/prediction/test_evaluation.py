from pathlib import Path

import numpy as np
import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.metrics import classification_scores
from litebert.tasks.prediction.evaluation import evaluate, evaluate_file
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.task import Example
from litebert.tasks.texts.classification_evaluation import SHOWN_MISTAKES, mistakes_as_rows
from small_models import labelled_csv, sentences, write_csv

ROWS = sentences(60)


def test_scores_are_those_of_the_predictions(predictor: Predictor, tmp_path: Path):
    evaluation = evaluate_file(predictor, labelled_csv(tmp_path / "test.csv", 60))
    labels = predictor.task.labels
    predictions = predictor.predict([text for text, _ in ROWS])
    truth = [labels.index(label) for _, label in ROWS]
    predicted = [labels.index(p.label) for p in predictions]
    assert evaluation.scores == classification_scores(truth, predicted, labels)
    pairs = zip(predictions, ROWS, strict=True)
    losses = [-np.log(prediction.probabilities[label]) for prediction, (_, label) in pairs]
    assert evaluation.loss == pytest.approx(np.mean(losses))
    assert evaluation.majority_accuracy == 0.5


def test_the_surest_mistakes_come_first_with_their_lines(predictor: Predictor):
    examples = [Example(text, None, label, i + 2) for i, (text, label) in enumerate(ROWS)]
    evaluation = evaluate(predictor, examples)
    wrong = 60 - sum(evaluation.scores.confusion[i][i] for i in range(3))
    assert len(evaluation.mistakes) == min(wrong, SHOWN_MISTAKES) > 0
    sureness = [mistake.probability for mistake in evaluation.mistakes]
    assert sureness == sorted(sureness, reverse=True)
    for mistake in evaluation.mistakes:
        assert (mistake.text, mistake.label) == ROWS[mistake.line - 2]
        assert mistake.predicted != mistake.label
    shown = mistakes_as_rows(evaluation, width=10)
    assert all(len(str(row[1])) <= 10 for row in shown)


def test_texts_that_were_cut_are_said(predictor: Predictor):
    examples = [Example("the house " * 40, None, "bad"), Example("a day", None, "good")]
    assert evaluate(predictor, examples).remarks == ("1 of 2 texts was cut to 32 tokens",)


def test_labels_unseen_in_training_are_refused_with_their_line(
    predictor: Predictor, tmp_path: Path
):
    path = write_csv(tmp_path / "t.csv", ("text", "label"), [("a", "bad"), ("b", "awful")])
    with pytest.raises(DataError, match=r'"awful" \(line 3\); the model knows: bad, good, so-so'):
        evaluate_file(predictor, path)


def test_columns_may_be_named_otherwise(pair_predictor: Predictor, tmp_path: Path):
    path = write_csv(tmp_path / "t.csv", ("q", "a", "y"), [("the", "old", "bad")])
    assert (
        evaluate_file(
            pair_predictor, path, {"text": "q", "label": "y", "pair": "a"}
        ).scores.examples
        == 1
    )
    with pytest.raises(DataError, match='no column "question"; its columns are: q, a, y'):
        evaluate_file(pair_predictor, path)
