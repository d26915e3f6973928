"""Scores of multiple choice: accuracy over all questions and over each level of difficulty."""

from collections.abc import Sequence

from litebert.tasks.metrics.classification import accuracy


def choice_scores(
    truth: Sequence[int], predicted: Sequence[int], levels: Sequence[str]
) -> dict[str, float]:
    """`accuracy` over all, then under each level's name that of its questions (RACE: middle, high).

    All three are (N,): index of the right option, of the chosen one, level. Raises ValueError where
    N is 0 or differs.
    """
    scores = {"accuracy": accuracy(truth, predicted)}
    rows = list(zip(truth, predicted, levels, strict=True))
    for level in dict.fromkeys(levels):
        pairs = [(true, guess) for true, guess, of in rows if of == level]
        scores[level] = accuracy([true for true, _ in pairs], [guess for _, guess in pairs])
    return scores
