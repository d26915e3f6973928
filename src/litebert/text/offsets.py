"""Which characters of the original text each piece came from.

The way back has three steps: piece → characters of SentencePiece's normalised text → characters of
our normalised text → characters of the original text.
"""

from itertools import accumulate
from typing import Any

from litebert.text.normalise import Aligned
from litebert.text.pieces import SPACE


def piece_spans(
    processor: Any, aligned: Aligned, splits: dict[int, list[int]]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids and spans of a normalised text; `splits` are the ids written for digit-comma pieces."""
    encoded = processor.Encode(aligned.text, return_type="offset_mapping")
    ranges = _Ranges(processor, aligned)
    ids: list[int] = []
    spans: list[tuple[int, int]] = []
    at = 0
    for index, piece in zip(encoded["ids"], encoded["pieces"], strict=True):
        parts = splits.get(index, [index])
        widths = _widths(processor, parts, piece)
        for part, width in zip(parts, widths, strict=True):
            ids.append(part)
            spans.append(ranges.span(at, at + width))
            at += width
    return ids, _monotone(spans)


class _Ranges:
    """Spans of the original text by positions of SentencePiece's normalised text."""

    def __init__(self, processor: Any, aligned: Aligned) -> None:
        self._processor = processor
        self._aligned = aligned
        self._blank = {" ": True}
        self._text, begins = processor.Normalize(aligned.text, with_offsets=True)
        # Several characters made from one (or from several at once) share their begin; their end is
        # where the next group begins.
        ends = [*begins[1:], begins[-1]] if begins else []
        for i in range(len(ends) - 2, -1, -1):
            if begins[i + 1] == begins[i]:
                ends[i] = ends[i + 1]
        self._begins, self._ends = begins, ends

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The original characters behind `[first, last)`, without a leading or trailing space."""
        if first < last and self._text[first] == SPACE:
            first += 1
        if first == last:  # a lone space: empty, right before what follows
            place = self._start(self._begins[first])
            return place, place
        return self._trimmed(self._begins[first], self._ends[last - 1])

    def _trimmed(self, begin: int, end: int) -> tuple[int, int]:
        text = self._aligned.text
        while end - begin > 1 and self._is_blank(text[begin]):
            begin += 1
        while end - begin > 1 and self._is_blank(text[end - 1]):
            end -= 1
        return self._aligned.starts[begin], self._aligned.ends[end - 1]

    def _start(self, begin: int) -> int:
        aligned = self._aligned
        if begin < len(aligned.text):
            return aligned.starts[begin]
        return aligned.ends[-1] if aligned.ends else 0

    def _is_blank(self, letter: str) -> bool:
        """Whether SentencePiece turns this character into a space or into nothing."""
        known = self._blank.get(letter)
        if known is None:
            known = self._blank[letter] = self._processor.Normalize(letter) == ""
        return known


def _widths(processor: Any, parts: list[int], piece: str) -> list[int]:
    """How many characters of `piece` each of the ids written for it covers."""
    if len(parts) == 1:
        return [len(piece)]
    lead = piece.startswith(SPACE)
    names = [processor.IdToPiece(part) for part in parts]
    names[0] = names[0].removeprefix(SPACE)
    edges = list(accumulate(map(len, names)))
    edges = [min(edge + lead, len(piece)) for edge in edges[:-1]] + [len(piece)]
    return [end - begin for begin, end in zip([0, *edges], edges, strict=False)]


def _monotone(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Let no end fall behind an earlier one: a space made of the same character as its word."""
    highest = accumulate((end for _, end in spans), max)
    return [(start, end) for (start, _), end in zip(spans, highest, strict=True)]
