"""Batches of a stream made in worker processes before they are asked for: a GPU never waits.

A batch is a pure function of its position, and the position after it costs next to nothing to
find: which process makes a batch, and when, changes nothing in it.
"""

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from litebert.corpus.batches import PackedBatch, collate
from litebert.corpus.stream import Stream
from litebert.corpus.workers import open_pool, run_job
from litebert.foundation.errors import CorpusError
from litebert.foundation.randomness import Position

Made = tuple[list[PackedBatch], Position]
_AHEAD = 2  # batches for each worker that are made or being made


@dataclass(frozen=True)
class BatchMaker:
    """Batches of `batch_size` instances, in micro-batches; of several processes' one, its part.

    A short start's batches have as many instances more as they are shorter, and so have their
    micro-batches: many small ones would take several times as long.
    """

    stream: Stream
    batch_size: int
    micro_batch_size: int
    part: int = 0
    parts: int = 1

    def __call__(self, position: Position) -> Made:
        """The micro-batches of the batch at a position, and the position after it."""
        instances, after = self.stream.take(position, self.batch_size, self.part, self.parts)
        share = math.ceil(self.batch_size / self.parts)
        size = self.micro_batch_size * math.ceil(len(instances) / share)
        starts = range(0, len(instances), size)
        return [collate(instances[start : start + size]) for start in starts], after

    def after(self, position: Position) -> Position:
        """The position after the batch at a position."""
        return self.stream.take_indices(position, self.batch_size)[1]


class Ahead:
    """What a maker makes, position after position, by some processes. Close it after use."""

    def __init__(self, maker: BatchMaker, workers: int) -> None:
        self._maker = maker
        self._pool = open_pool(maker, workers)
        self._wanted = _AHEAD * workers
        self._waiting: deque[tuple[Position, Future[Made]]] = deque()
        self._positions: Iterator[Position] = iter(())

    def __call__(self, position: Position) -> Made:
        """As the maker's own. What was made for other positions is thrown away.

        Raises CorpusError when a worker process dies, and what the maker raises.
        """
        if not self._waiting or self._waiting[0][0] != position:
            self._forget()
            self._positions = self._from(position)
        try:
            while len(self._waiting) < self._wanted:
                following = next(self._positions)
                self._waiting.append((following, self._pool.submit(run_job, following)))
            return self._waiting.popleft()[1].result()
        except BrokenProcessPool:
            raise CorpusError(
                "a process that makes batches ended before its time (killed, out of memory, or "
                'called from a script without `if __name__ == "__main__":`): go on with --resume '
                "and fewer --data-workers; 0 does without"
            ) from None

    def close(self) -> None:
        """End the worker processes."""
        self._forget()
        self._pool.shutdown(cancel_futures=True)

    def _from(self, position: Position) -> Iterator[Position]:
        while True:
            yield position
            position = self._maker.after(position)

    def _forget(self) -> None:
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()
