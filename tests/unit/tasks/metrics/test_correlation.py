import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from litebert.tasks.metrics import matthews, pearson, spearman

numbers = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 1)), min_size=3, max_size=30)


@given(st.tuples(numbers, numbers))
def test_correlations_are_scipys(drawn: tuple[list[float], list[float]]):
    size = min(map(len, drawn))
    truth, predicted = (values[:size] for values in drawn)
    if len(set(truth)) > 1 and len(set(predicted)) > 1:
        assert pearson(truth, predicted) == pytest.approx(
            stats.pearsonr(truth, predicted).statistic, abs=1e-9
        )
        assert spearman(truth, predicted) == pytest.approx(
            stats.spearmanr(truth, predicted).statistic, abs=1e-12
        )
    else:
        assert pearson(truth, predicted) == spearman(truth, predicted) == 0


def test_a_perfect_correlation_is_1_and_not_more():
    truth = np.linspace(0, 5, 7)
    assert pearson(truth, truth * 3 + 1) <= 1
    assert pearson(truth, truth * 3 + 1) == pytest.approx(1)
    assert spearman(truth, -(truth**3)) == pytest.approx(-1)


def test_matthews_of_the_opposite_is_minus_1():
    assert matthews([0, 1, 1, 0], [1, 0, 0, 1]) == -1
    assert matthews([0, 1, 2, 0], [0, 1, 2, 0]) == 1


@pytest.mark.parametrize("score", [pearson, spearman])
def test_what_is_no_number_is_refused(score):
    with pytest.raises(ValueError, match="finite"):
        score([1.0, 2.0], [float("nan"), 1.0])
    with pytest.raises(ValueError, match="equally long"):
        score([1.0], [1.0, 2.0])


@pytest.mark.parametrize("score", [matthews, pearson, spearman])
def test_no_examples_are_refused(score):
    with pytest.raises(ValueError, match="equally long"):
        score([], [])
