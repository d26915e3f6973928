"""Scores of a task, in plain numpy: accuracy, precision, recall, F1 and the confusion matrix.

Shape letters: N examples, C classes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ClassScores:
    """How one class was told from the others; `support` is how often it is the true one."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassificationScores:
    """All scores of one evaluation.

    `confusion[i][j]` counts the examples of class i that were taken for class j.
    """

    examples: int
    accuracy: float
    macro_f1: float
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON."""
        return asdict(self)


def classification_scores(
    truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]
) -> ClassificationScores:
    """Score predicted class indices (N,) against the true (N,); `labels` names the C classes."""
    matrix = confusion_matrix(truth, predicted, len(labels))
    precision, recall, f1, support = class_scores(matrix)
    return ClassificationScores(
        examples=int(matrix.sum()),
        accuracy=accuracy(truth, predicted),
        macro_f1=macro_f1(matrix),
        classes=tuple(
            ClassScores(label, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels)
        ),
        confusion=tuple(tuple(row) for row in matrix.tolist()),
    )


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The share of equal entries of two arrays (N,). Raises ValueError where N is 0 or differs."""
    true, guess = _indices(truth, predicted)
    return float(np.mean(true == guess))


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int) -> IntArray:
    """Counts (C, C) of true class (row) and predicted class (column), from indices (N,)."""
    true, guess = _indices(truth, predicted)
    if min(true.min(), guess.min()) < 0 or max(true.max(), guess.max()) >= classes:
        raise ValueError(f"class indices must lie in 0 … {classes - 1}")
    return np.bincount(true * classes + guess, minlength=classes * classes).reshape(
        classes, classes
    )


def class_scores(confusion: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Precision, recall, F1 and support, each (C,), of a confusion matrix (C, C).

    A ratio of nothing to nothing (a class never predicted, or never true) is 0.
    """
    right = np.diag(confusion)
    support = confusion.sum(axis=1)
    guessed = confusion.sum(axis=0)
    return (
        _ratio(right, guessed),
        _ratio(right, support),
        _ratio(2 * right, support + guessed),
        support,
    )


def macro_f1(confusion: IntArray) -> float:
    """The mean F1 of the classes that are true or predicted at least once.

    A class that occurs in neither says nothing about the predictions and is left out, as
    scikit-learn does by default.
    """
    occurs = confusion.sum(axis=0) + confusion.sum(axis=1) > 0
    return float(class_scores(confusion)[2][occurs].mean())


def binary_f1(truth: ArrayLike, predicted: ArrayLike, positive: int = 1) -> float:
    """F1 of the class `positive` alone, from class indices (N,); 0 where it occurs in neither.

    Raises ValueError where N is 0 or differs.
    """
    true, guess = _indices(truth, predicted)
    right = int(np.sum((true == positive) & (guess == positive)))
    claimed = int(np.sum(true == positive)) + int(np.sum(guess == positive))
    return 2 * right / claimed if claimed else 0.0


def log_loss(truth: ArrayLike, log_probabilities: ArrayLike) -> float:
    """Mean negative log-likelihood of the true classes (N,) under log-probabilities (N, C)."""
    values = np.asarray(log_probabilities, dtype=np.float64)
    true = np.asarray(truth, dtype=np.int64)
    return float(-values[np.arange(len(true)), true].mean())


def _indices(truth: ArrayLike, predicted: ArrayLike) -> tuple[IntArray, IntArray]:
    true, guess = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.ndim != 1 or true.shape != guess.shape or not true.size:
        raise ValueError(
            f"truth and predictions must be two equally long, non-empty lists: "
            f"shapes {true.shape} and {guess.shape}"
        )
    return true, guess


def _ratio(part: IntArray, whole: IntArray) -> FloatArray:
    result = np.zeros(len(whole), dtype=np.float64)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
