import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from litebert.tasks.metrics import (
    accuracy,
    binary_f1,
    classification_scores,
    confusion_matrix,
    log_loss,
)

pairs = st.integers(2, 7).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1),
    )
)


@given(pairs)
def test_scores_agree_with_scikit_learn(drawn: tuple[int, list[tuple[int, int]]]):
    classes, rows = drawn
    truth, predicted = zip(*rows, strict=True)
    labels = [f"class {i}" for i in range(classes)]
    scores = classification_scores(truth, predicted, labels)
    assert scores.accuracy == pytest.approx(reference.accuracy_score(truth, predicted), abs=1e-12)
    expected_macro = reference.f1_score(truth, predicted, average="macro", zero_division=0.0)
    assert scores.macro_f1 == pytest.approx(expected_macro, abs=1e-12)
    expected = reference.precision_recall_fscore_support(
        truth, predicted, labels=range(classes), zero_division=0.0
    )
    ours = np.array([[c.precision, c.recall, c.f1, c.support] for c in scores.classes]).T
    np.testing.assert_allclose(ours, np.array(expected), atol=1e-12, rtol=0)
    matrix = reference.confusion_matrix(truth, predicted, labels=range(classes))
    np.testing.assert_array_equal(scores.confusion, matrix)
    assert scores.examples == len(rows)


def test_a_class_that_is_never_predicted_scores_zero_and_counts():
    scores = classification_scores([0, 0, 1], [0, 0, 0], ["a", "b"])
    assert scores.classes[1].precision == scores.classes[1].f1 == 0
    assert scores.macro_f1 == pytest.approx(0.4)


def test_a_class_that_occurs_nowhere_is_left_out_of_macro_f1():
    assert classification_scores([0, 1], [0, 1], ["a", "b", "c"]).macro_f1 == 1


def test_log_loss_agrees_with_scikit_learn():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    expected = reference.log_loss([0, 1], probabilities, labels=[0, 1, 2])
    assert log_loss([0, 1], np.log(probabilities)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("truth", "predicted"), [([], []), ([0], [0, 1]), ([[0]], [[0]])])
def test_lists_that_do_not_match_are_refused(truth: list[int], predicted: list[int]):
    with pytest.raises(ValueError, match="equally long"):
        accuracy(truth, predicted)


@pytest.mark.parametrize("wrong", [-1, 2])
def test_an_index_outside_the_classes_is_refused(wrong: int):
    with pytest.raises(ValueError, match="0 … 1"):
        confusion_matrix([0], [wrong], 2)


def test_f1_of_one_class_agrees_with_scikit_learn():
    truth, predicted = [0, 1, 1, 0, 1, 2], [0, 1, 0, 1, 1, 2]
    for positive in (0, 1, 2):
        expected = reference.f1_score(truth, predicted, labels=[positive], average="macro")
        assert binary_f1(truth, predicted, positive) == pytest.approx(expected, abs=1e-12)


def test_f1_of_a_class_that_occurs_nowhere_is_0():
    assert binary_f1([0, 0], [0, 0]) == 0
