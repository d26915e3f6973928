"""From texts to what the encoder reads: ids and segments, cut to the task's length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from litebert.inference.engine import TokenSequence
from litebert.tasks.task import Example
from litebert.text.tokenizer import Tokenizer

Texts = tuple[str, str | None]

_CHUNK = 512  # texts encoded at once
_LEAST_LENGTH = 64
_LENGTH_STEP = 32


@dataclass
class Tally:
    """What was seen of a stream of texts so far."""

    rows: int = 0
    cut: int = 0
    """Rows that were longer than the model takes, and lost their end."""
    empty: int = 0
    """Rows whose text holds nothing but white space."""

    def remarks(self, max_length: int) -> list[str]:
        """What a user should know of it, a sentence each."""
        remarks = []
        if self.cut:
            remarks.append(f"{_of(self.cut, self.rows)} cut to {max_length} tokens")
        if self.empty:
            remarks.append(f"{_of(self.empty, self.rows)} empty, of which nothing can be said")
        return remarks


def encode_texts(
    texts: Iterable[Texts], tokenizer: Tokenizer, max_length: int, tally: Tally | None = None
) -> Iterator[TokenSequence]:
    """Encode a stream of texts or pairs, in order, reading a few hundred ahead.

    As in the original, the longer text of a pair is cut first, and a pair whose second text is
    empty is read as a single text. `tally` counts along.
    """
    tally = tally if tally is not None else Tally()
    for (first, second), (a, b) in _encoded(texts, tokenizer):
        encoding = tokenizer.join(a, b, max_length)
        tally.rows += 1
        tally.cut += encoding.cut > 0
        tally.empty += not (first.strip() or (second or "").strip())
        yield TokenSequence.of(encoding.ids, encoding.segment_ids)


def fitted_length(examples: Sequence[Example], tokenizer: Tokenizer, limit: int) -> int:
    """The least length that cuts no example, with some room for new texts, within the model's.

    A multiple of 32 from 64 up, or `limit` where that is less.
    """
    texts = ((example.text, example.pair) for example in examples)
    longest = max(
        len(a) + (2 if b is None else len(b) + 3) for _, (a, b) in _encoded(texts, tokenizer)
    )
    return roomy_length(longest, limit)


def roomy_length(longest: int, limit: int) -> int:
    """A length for sequences of up to `longest` tokens, as `fitted_length` says."""
    return min(max(_LEAST_LENGTH, -(-longest // _LENGTH_STEP) * _LENGTH_STEP), limit)


def _encoded(
    texts: Iterable[Texts], tokenizer: Tokenizer
) -> Iterator[tuple[Texts, tuple[list[int], list[int] | None]]]:
    """Yield each row beside the ids of its one or two texts."""
    source = ((a, b if b is not None and b.strip() else None) for a, b in texts)
    while rows := list(islice(source, _CHUNK)):
        ids = iter(tokenizer.encode_batch([t for row in rows for t in row if t is not None]))
        for row in rows:
            yield row, (next(ids), None if row[1] is None else next(ids))


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} texts {'was' if part == 1 else 'were'}"
