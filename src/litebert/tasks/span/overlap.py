"""What a question gets without a model: the words that stand among its own in the context.

After the sliding window that SQuAD's paper measures (Rajpurkar et al. 2016, section 5), which has
the phrases of a parser to choose from; here they are all stretches of a few words.
"""

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import accumulate

AROUND = 4  # words to either side in which those of the question count
LONGEST = 5  # words of an answer

_WORD = re.compile(r"\w+(?:[.,'’-]\w+)*")

Weighted = tuple[str, float, int, int]


def overlapping_stretch(question: str, context: str) -> str:
    """The stretch of the context, without words of the question, with most of them around it.

    Rare words of the context count more than common ones, in the stretch and around it. "" where
    the question has all the words there are.
    """
    words = _weighted(context)
    asked = {match[0].lower() for match in _WORD.finditer(question)}
    known = [word in asked for word, *_ in words]
    near = _sums([weight if word in asked else 0.0 for word, weight, *_ in words])
    rare = _sums([weight for _, weight, *_ in words])
    best, answer = 0.0, ""
    for first in range(len(words)):
        for end in range(first + 1, min(first + LONGEST, len(words)) + 1):
            if known[end - 1]:
                break
            around = near[min(end + AROUND, len(words))] - near[max(first - AROUND, 0)]
            score = around + (rare[end] - rare[first]) / (end - first)
            if score >= best:  # of equal ones the longest that ends last
                best, answer = score, context[words[first][2] : words[end - 1][3]]
    return answer


def _sums(values: list[float]) -> list[float]:
    """The sum of the first 0, 1, 2 … values."""
    return list(accumulate(values, initial=0.0))


@lru_cache(maxsize=4)  # the questions about a context follow each other
def _weighted(context: str) -> list[Weighted]:
    """The words of a context in small letters, their weights, and where they begin and end."""
    found = [(match[0].lower(), match.start(), match.end()) for match in _WORD.finditer(context)]
    counts = Counter(word for word, *_ in found)
    return [(word, math.log1p(1 / counts[word]), start, end) for word, start, end in found]
