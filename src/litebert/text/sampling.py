"""A uniform sample of a stream of lines, bounded in lines and in characters."""

from collections.abc import Iterable
from heapq import heappop, heappush

from litebert.foundation.randomness import generator

_DRAWS = 65536  # random numbers drawn at once


class Sample:
    """Keeps at most `lines` lines of at most `characters` characters in all.

    Every line offered draws a random number, and the lines with the smallest numbers stay: each
    line is equally likely to be among them, and nothing is drawn while all fit. The same seed and
    lines give the same sample, in the order of the stream.
    """

    def __init__(self, lines: int, characters: int, seed: int) -> None:
        self.seen = 0
        self._most_lines, self._most_characters = lines, characters
        self._size = 0
        self._kept: list[tuple[float, int, str]] = []  # a heap: the largest number goes first
        self._random = generator(seed, "vocabulary sample")
        self._draws = self._random.random(_DRAWS)

    def add(self, lines: Iterable[str]) -> None:
        """Offer some lines."""
        for line in lines:
            heappush(self._kept, (-self._draw(), self.seen, line))
            self._size += len(line)
            self.seen += 1
            while len(self._kept) > self._most_lines or self._size > self._most_characters:
                self._size -= len(heappop(self._kept)[2])

    def take(self) -> list[str]:
        """The sample, in order; it is handed over and no longer held here."""
        kept = sorted(self._kept, key=lambda entry: entry[1])
        self._kept = []
        return [line for _, _, line in kept]

    def _draw(self) -> float:
        place = self.seen % _DRAWS
        if place == 0 and self.seen:
            self._draws = self._random.random(_DRAWS)
        return float(self._draws[place])
