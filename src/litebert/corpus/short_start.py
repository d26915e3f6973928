"""A stream that begins with short instances, from which a model learns sooner what neighbours say.

An untrained model attends to all tokens alike: of 16 the neighbour is one, of 128 it is lost. With
short instances first, attention finds the neighbouring words within a few hundred updates, and
keeps them when the instances grow.
"""

from functools import cached_property

from litebert.corpus.instances import Instance
from litebert.corpus.stream import InstanceStream, Stream
from litebert.foundation.randomness import Position

LONG_FROM = Position(1, 0)  # where the long instances begin


class ShortStart(Stream):
    """Some batches of instances of at most `short_length` tokens, then the stream `long`.

    A short batch has as many instances more as they are shorter, so about as many tokens. The short
    instances are epoch 0, at most all of the corpus once; epoch 1 is the first epoch of `long`.
    """

    def __init__(
        self, long: InstanceStream, short_length: int, batch_size: int, batches: int
    ) -> None:
        self._long = long
        self._short = long.of_length(short_length)
        self._times = max(1, long.settings.max_length // short_length)
        self._batch = batch_size * self._times
        self._batches = batches

    @cached_property
    def _instances(self) -> int:
        """How many short instances there are, in whole batches."""
        return min(self._batches, self._short.epoch_size(0) // self._batch) * self._batch

    def take_indices(
        self, position: Position, count: int
    ) -> tuple[list[tuple[int, int]], Position]:
        """Which instances come next, as (epoch, index), and the position after them."""
        if position.epoch == 0 and position.offset < self._instances:
            count = min(count * self._times, self._instances - position.offset)
            taken, after = self._short.take_indices(position, count)
            return taken, after if after.offset < self._instances else LONG_FROM
        begun = Position(max(0, position.epoch - 1), position.offset if position.epoch else 0)
        taken, after = self._long.take_indices(begun, count)
        later = [(epoch + 1, index) for epoch, index in taken]
        return later, Position(after.epoch + 1, after.offset)

    def instance(self, epoch: int, index: int) -> Instance:
        """Instance `index` of an epoch, in the order of the text."""
        if epoch == 0:
            return self._short.instance(0, index)
        return self._long.instance(epoch - 1, index)
