"""Correlations of predictions with the truth: Matthews for classes, Pearson and Spearman.

Shape letters: N examples. A correlation of something constant is undefined; it is given as 0, as
scikit-learn does for Matthews, so that a model that always says the same scores nothing.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from litebert.tasks.metrics.classification import FloatArray, confusion_matrix


def matthews(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Matthews correlation of class indices (N,), two classes or more (Gorodkin's R_K).

    Raises ValueError where N is 0 or differs.
    """
    classes = int(max(np.max(truth, initial=0), np.max(predicted, initial=0))) + 1
    matrix = confusion_matrix(truth, predicted, classes)
    rows = [int(count) for count in matrix.sum(axis=1)]  # Python's integers do not overflow
    columns = [int(count) for count in matrix.sum(axis=0)]
    total, right = sum(rows), int(np.trace(matrix))
    together = right * total - _dot(rows, columns)
    of_truth = total * total - _dot(rows, rows)
    of_guess = total * total - _dot(columns, columns)
    product = of_truth * of_guess
    return together / math.sqrt(product) if product else 0.0


def pearson(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson's correlation of two lists of numbers (N,); 0 where one of them is constant.

    Raises ValueError where N is 0 or differs, or a number is not finite.
    """
    return _pearson(*_numbers(truth, predicted))


def spearman(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Spearman's rank correlation (N,): Pearson's of the ranks, equal numbers sharing their mean.

    Raises ValueError as `pearson` does.
    """
    first, second = _numbers(truth, predicted)
    return _pearson(_ranks(first), _ranks(second))


def _dot(first: list[int], second: list[int]) -> int:
    return sum(a * b for a, b in zip(first, second, strict=True))


def _pearson(first: FloatArray, second: FloatArray) -> float:
    if np.all(first == first[0]) or np.all(second == second[0]):
        return 0.0
    a, b = first - first.mean(), second - second.mean()
    ratio = float((a / np.linalg.norm(a)) @ (b / np.linalg.norm(b)))
    return min(max(ratio, -1.0), 1.0)


def _ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values get the mean of the ranks they take up together."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: FloatArray = last - (counts - 1) / 2
    return means[which]


def _numbers(truth: ArrayLike, predicted: ArrayLike) -> tuple[FloatArray, FloatArray]:
    first, second = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(
            f"truth and predictions must be two equally long, non-empty lists: "
            f"shapes {first.shape} and {second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("truth and predictions must be finite numbers")
    return first, second
