"""Questions over contexts of any length: windows the model can read, and where an answer lies.

Source: `convert_examples_to_features` of the original's squad_utils.py, with one difference. The
original finds the characters of a piece by aligning texts, and drops a question where that fails;
here the tokenizer knows them, so no question is ever dropped.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from litebert.foundation.errors import ConfigError
from litebert.text.tokenizer import Encoding, Tokenizer

MAX_QUERY_LENGTH = 64
DOC_STRIDE = 128


@dataclass(frozen=True, slots=True)
class Window:
    """`[CLS] question [SEP] stretch of the context [SEP]`, T tokens without padding.

    Of every token of the context, the window in which it has most context on its scarcer side is
    where an answer may start at it.
    """

    input_ids: list[int]
    """(T,)"""
    segment_ids: list[int]
    """(T,) 0 up to the first [SEP], then 1."""
    p_mask: list[int]
    """(T,) 1 where no answer can lie: question and separators; [CLS] stands for no answer."""
    max_context: list[bool]
    """(T,) whether this window is the one in which an answer may start at the token."""
    spans: list[tuple[int, int]]
    """`context[start:end]` of each token of the context in this window."""
    offset: int
    """Where in the window the context begins: `spans[i]` belongs to `input_ids[offset + i]`."""
    first: int
    """Which of all the tokens of the context is the first one here."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a window should be answered with: first and last token, 0 and 0 where it has none."""

    start_position: int
    end_position: int
    is_impossible: bool


def make_windows(
    question: str,
    context: str,
    tokenizer: Tokenizer,
    max_length: int,
    doc_stride: int,
    max_query_length: int = MAX_QUERY_LENGTH,
) -> list[Window]:
    """Windows of at most `max_length` tokens over a context, `doc_stride` tokens apart.

    The question keeps its first `max_query_length` tokens. A context without any token has no
    window. Questions about one context that follow each other share the work on it. Raises
    ConfigError where the lengths leave no room for the context.
    """
    head = _head(question, tokenizer, max_query_length)
    return _cut(head, _encoded(tokenizer, context), max_length, doc_stride)


def windows_of(
    questions: Iterable[tuple[str, str]],
    tokenizer: Tokenizer,
    max_length: int,
    doc_stride: int,
    max_query_length: int = MAX_QUERY_LENGTH,
) -> Iterator[list[Window]]:
    """`make_windows` of many (question, context), in order."""
    for question, context in questions:
        yield make_windows(question, context, tokenizer, max_length, doc_stride, max_query_length)


@dataclass(frozen=True, slots=True, eq=False)
class QuestionTokens:
    """A question over a context as tokens, in little memory: the windows are cut when asked for.

    Questions about one context that follow each other share its tokens.
    """

    head: list[int]
    """`[CLS] question [SEP]`"""
    context_ids: NDArray[np.int32]
    """(tokens,)"""
    context_spans: NDArray[np.int32]
    """(tokens, 2)"""
    max_length: int
    doc_stride: int

    @classmethod
    def of(
        cls,
        question: str,
        context: str,
        tokenizer: Tokenizer,
        max_length: int,
        doc_stride: int,
        max_query_length: int = MAX_QUERY_LENGTH,
    ) -> "QuestionTokens":
        """Tokenise, as `make_windows` does."""
        head = _head(question, tokenizer, max_query_length)
        return cls(head, *_arrays(tokenizer, context), max_length, doc_stride)

    def windows(self) -> list[Window]:
        """What `make_windows` gives."""
        spans = [(start, end) for start, end in self.context_spans.tolist()]
        context = Encoding(self.context_ids.tolist(), spans)
        return _cut(self.head, context, self.max_length, self.doc_stride)


def window_targets(windows: Sequence[Window], answer: tuple[int, int] | None) -> list[Target]:
    """The target of each window of a context for the answer `context[start:end]`; None for none.

    The answer's tokens are those that hold its first and last character; white space belongs to
    the token after it. A window that misses a part of them counts as unanswerable, with both
    positions at [CLS], as in the original for 1.1 too.
    """
    nothing = Target(0, 0, True)
    if answer is None or not windows:
        return [nothing] * len(windows)
    first, last = _answer_tokens(_all_spans(windows), *answer)
    targets = []
    for window in windows:
        shift = window.offset - window.first
        inside = window.first <= first and last < window.first + len(window.spans)
        targets.append(Target(first + shift, last + shift, False) if inside else nothing)
    return targets


@lru_cache(maxsize=1)
def _encoded(tokenizer: Tokenizer, context: str) -> Encoding:
    """The tokens of the context that was asked about last; nobody changes them."""
    return tokenizer.encode_with_offsets(context)


@lru_cache(maxsize=1)
def _arrays(tokenizer: Tokenizer, context: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The same as arrays."""
    encoding = _encoded(tokenizer, context)
    spans = np.array(encoding.spans, dtype=np.int32).reshape(-1, 2)
    return np.array(encoding.ids, dtype=np.int32), spans


def _head(question: str, tokenizer: Tokenizer, max_query_length: int) -> list[int]:
    return [tokenizer.cls_id, *tokenizer.encode(question)[:max_query_length], tokenizer.sep_id]


def _cut(head: list[int], context: Encoding, max_length: int, doc_stride: int) -> list[Window]:
    offset, sep_id = len(head), head[-1]
    room = max_length - offset - 1
    if room < 1:
        raise ConfigError(
            f"max_length {max_length} leaves no room for the context beside a question of "
            f"{offset - 2} tokens: raise it, or lower max_query_length"
        )
    if doc_stride < 1:
        raise ConfigError(f"doc_stride {doc_stride} would never move on: 1 or more is needed")
    stretches = list(_stretches(len(context.ids), room, doc_stride))
    best = _best_windows(stretches, len(context.ids))
    windows = []
    for index, (start, end) in enumerate(stretches):
        size = end - start
        windows.append(
            Window(
                input_ids=[*head, *context.ids[start:end], sep_id],
                segment_ids=[0] * offset + [1] * (size + 1),
                p_mask=[0] + [1] * (offset - 1) + [0] * size + [1],
                max_context=[False] * offset + (best[start:end] == index).tolist() + [False],
                spans=context.spans[start:end],
                offset=offset,
                first=start,
            )
        )
    return windows


def _stretches(tokens: int, room: int, doc_stride: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < tokens:
        end = min(start + room, tokens)
        yield start, end
        if end == tokens:
            return
        start += min(room, doc_stride)


def _best_windows(stretches: Sequence[tuple[int, int]], tokens: int) -> NDArray[np.int64]:
    """(tokens,) the stretch in which each token has most context; the first one on a tie.

    The original's measure: tokens on the scarcer side, and a hundredth of the stretch's length.
    """
    best = np.full(tokens, -np.inf)
    which = np.zeros(tokens, dtype=np.int64)
    for index, (start, end) in enumerate(stretches):
        left = np.arange(end - start)
        score = np.minimum(left, left[::-1]) + 0.01 * (end - start)
        better = score > best[start:end]
        best[start:end][better] = score[better]
        which[start:end][better] = index
    return which


def _all_spans(windows: Sequence[Window]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for window in windows:
        spans += window.spans[len(spans) - window.first :]
    return spans


def _answer_tokens(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """First and last token of the characters `[start, end)`, which are one or more."""
    assert 0 <= start < end
    ends = [stop for _, stop in spans]  # they never decrease
    final = len(spans) - 1
    first = min(bisect_right(ends, start), final)
    last = min(bisect_right(ends, end - 1), final)
    while last < final and spans[last + 1][0] < end:  # pieces of one character share its span
        last += 1
    return first, last
