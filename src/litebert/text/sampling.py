"""A uniform sample of a stream of lines in bounded memory."""

from collections.abc import Iterable

from litebert.foundation.randomness import generator

_DRAWS = 65536  # random numbers drawn at once


class Reservoir:
    """Keeps a uniform sample of at most `size` lines of all it is given (algorithm R).

    Equal seeds and lines give the same sample; while all lines fit they stay in order.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.seen = 0
        self.lines: list[str] = []
        self._random = generator(seed, "vocabulary sample")
        self._draws = self._random.random(0)
        self._next = 0

    def add(self, lines: Iterable[str]) -> None:
        """Offer some lines to the sample."""
        for line in lines:
            self.seen += 1
            if len(self.lines) < self.size:
                self.lines.append(line)
            elif (place := int(self._draw() * self.seen)) < self.size:
                self.lines[place] = line

    def _draw(self) -> float:
        if self._next == len(self._draws):
            self._draws = self._random.random(_DRAWS)
            self._next = 0
        self._next += 1
        return float(self._draws[self._next - 1])
