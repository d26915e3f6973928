from litebert.tasks.finetuning.card import model_card
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.task import ClassificationTask, Example


def test_the_card_says_what_the_model_does_and_how_well(predictor: Predictor):
    evaluation = evaluate(predictor, [Example("the house", None, "bad", 2)] * 3)
    card = model_card("reviews", "base", 1200, predictor.task, evaluation)
    assert "# reviews" in card
    assert "3 labels: `bad`, `good`, `so-so`" in card
    assert "from base on 1,200 rows" in card
    assert f"Accuracy {evaluation.scores.accuracy:.4f}" in card
    assert 'predict(["a text"])' in card


def test_odd_labels_stay_inside_their_cells(predictor: Predictor):
    evaluation = evaluate(predictor, [Example("the house", None, "bad", 2)])
    labels = ("a|b", "two\nlines", *(f"label {i}" for i in range(60)))
    task = ClassificationTask(labels=labels, pair_column="answer")
    card = model_card("pairs", "base", 10, task, evaluation)
    assert "`a\\|b`, `two lines`" in card
    assert "and 12 more" in card
    assert 'predict([("a text", "a second text")])' in card
