"""What a multiple-choice question gets without a model: the option whose words the article has.

The sliding window of Richardson et al. 2013 (MCTest), which RACE's paper measures too: of all
stretches of the article that have as many words as question and option together, the one counts
that shares most with them, rare words of the article more than common ones.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"\w+")


def overlapping_option(article: str, question: str, options: Sequence[str]) -> int:
    """The index of the option that overlaps most with the article, the first one on a tie."""
    asked = _words(question)
    scores = [_overlap(article, {*asked, *_words(option)}) for option in options]
    return scores.index(max(scores))


def _overlap(article: str, words: set[str]) -> float:
    """The weight of `words` in the stretch of the article, as long as they are many, with most."""
    weights = [weight if word in words else 0.0 for word, weight in _weighted(article)]
    best = current = sum(weights[: len(words)])
    for enters, leaves in zip(weights[len(words) :], weights, strict=False):
        current += enters - leaves
        best = max(best, current)
    return best


@lru_cache(maxsize=4)  # the questions about an article follow each other
def _weighted(article: str) -> list[tuple[str, float]]:
    """The words of an article in order, with their weights: log(1 + 1 / how often it has them)."""
    words = _words(article)
    counts = Counter(words)
    return [(word, math.log1p(1 / counts[word])) for word in words]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
