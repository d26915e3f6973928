"""Multiple choice about an article: a question, and what the model sees of its options.

Source: the original's race_utils.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from litebert.foundation.errors import ConfigError
from litebert.inference.engine import TokenSequence
from litebert.text.tokenizer import Tokenizer

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What the options of a question are called, in order; there are at most so many."""
LEAST_OPTIONS, MOST_OPTIONS = 2, len(LETTERS)
MAX_QA_LENGTH = 128

# What normalisation turns into the low line that marks the gap of a cloze question.
_GAPS = str.maketrans(dict.fromkeys("＿︳︴﹍﹎﹏", "_"))


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A question about an article, with its options and the index of the right one (or None).

    `level` is the part of the data it belongs to, "" where there are none.
    """

    id: str
    article: str
    question: str
    options: tuple[str, ...]
    label: int | None
    level: str = ""


@dataclass(frozen=True, slots=True)
class EncodedQuestion(Sequence[TokenSequence]):
    """`[CLS] article [SEP] question with option [SEP]` for each option of a question.

    Questions about one article share its ids; a sequence is put together when it is asked for,
    since all of them would hold the article many times over.
    """

    article: NDArray[np.int32]
    """`[CLS]` and all of the article."""
    endings: tuple[NDArray[np.int32], ...]
    """`[SEP] question with option [SEP]` for each option."""
    max_length: int
    cut: int
    """Tokens that the option which lost most lost, of its question and of the article."""

    def __len__(self) -> int:
        return len(self.endings)

    @overload
    def __getitem__(self, index: int) -> TokenSequence: ...
    @overload
    def __getitem__(self, index: slice) -> list[TokenSequence]: ...
    def __getitem__(self, index: int | slice) -> TokenSequence | list[TokenSequence]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        ending = self.endings[index]
        context = self.article[: self.max_length - len(ending)]
        segments = np.ones(len(context) + len(ending), dtype=np.int8)
        segments[: len(context) + 1] = 0  # the first [SEP] belongs to the article
        return TokenSequence(np.concatenate([context, ending]), segments)


def choice_texts(question: str, options: Sequence[str]) -> list[str]:
    """The question with each option: in its gaps ("_") where it has any, else after it."""
    question = " ".join(question.translate(_GAPS).split())
    stripped = [" ".join(option.split()) for option in options]
    if "_" in question:
        return [question.replace("_", option) for option in stripped]
    return [f"{question} {option}" for option in stripped]


def encode_questions(
    examples: Iterable[ChoiceExample],
    tokenizer: Tokenizer,
    max_length: int = 512,
    max_qa_length: int = MAX_QA_LENGTH,
) -> Iterator[EncodedQuestion]:
    """Encode a stream of questions, in order.

    Of the question with its option the last `max_qa_length` tokens are kept; what is too long then
    loses the end of its article. Questions about one article that follow each other share the work
    on it. Raises ConfigError where `max_length` leaves no room.
    """
    room = max_length - 3
    if room < 1 or max_qa_length < 1:
        raise ConfigError(
            f"max_length {max_length} with max_qa_length {max_qa_length} leaves no room for a "
            "question: 4 and 1 are the least"
        )
    most = min(max_qa_length, room)
    last: str | None = None
    article = np.empty(0, dtype=np.int32)
    for example in examples:
        if example.article != last:
            last = example.article
            article = np.array([tokenizer.cls_id, *tokenizer.encode(last)], dtype=np.int32)
        rows = tokenizer.encode_batch(choice_texts(example.question, example.options))
        endings = tuple(
            np.array([tokenizer.sep_id, *row[-most:], tokenizer.sep_id], dtype=np.int32)
            for row in rows
        )
        longest = max(map(len, rows))
        kept = min(len(article) + min(longest, most) + 2, max_length)
        yield EncodedQuestion(article, endings, max_length, len(article) + longest + 2 - kept)
