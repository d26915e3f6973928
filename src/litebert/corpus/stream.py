"""The endless, ordered stream of masked instances of a corpus, from any position on at once."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from litebert.corpus.instances import Instance, InstanceSettings, Pieces
from litebert.corpus.masking import Masking
from litebert.corpus.pairs import Kind, Plan, Units, draw_elsewhere, make_units, plan_epoch
from litebert.corpus.shards import Corpus, Ids
from litebert.corpus.spans import sentence_ranges
from litebert.foundation.errors import CorpusError
from litebert.foundation.randomness import KeyedStream, Permutation, Position
from litebert.text.tokenizer import shared_room

SHORTEST_DOCUMENT = 2  # tokens: with one there is nothing to predict it from
_EPOCHS_KEPT = 2


@dataclass(frozen=True)
class _Epoch:
    """What is drawn once an epoch: its chunks, their order, and a generator for each.

    `corpus` is the tokenisation it has, `units` the sentences of it.
    """

    corpus: Corpus
    units: Units
    plan: Plan
    order: Permutation
    randomness: KeyedStream

    def ids(self, first: int, end: int) -> Ids:
        """The ids of some units."""
        offsets = self.units.offsets
        return self.corpus.ids(offsets.item(first), offsets.item(end))


class Stream(ABC):
    """Instances in an order, from any position on."""

    @abstractmethod
    def take_indices(
        self, position: Position, count: int
    ) -> tuple[list[tuple[int, int]], Position]:
        """Which instances come next, as (epoch, index), and the position after them."""

    @abstractmethod
    def instance(self, epoch: int, index: int) -> Instance:
        """Instance `index` of an epoch, in the order of the text."""

    def take(
        self, position: Position, count: int, part: int = 0, parts: int = 1
    ) -> tuple[list[Instance], Position]:
        """The next `count` instances in the shuffled order, and the position after them.

        Of several processes each takes its part, of about equal size: `part` 0 … `parts` - 1.
        """
        taken, after = self.take_indices(position, count)
        mine = taken[len(taken) * part // parts : len(taken) * (part + 1) // parts]
        return [self.instance(epoch, index) for epoch, index in mine], after


class InstanceStream(Stream):
    """Masked instances of a corpus, each a pure function of (seed, epoch, index).

    `spans` are (document, first sentence, end) rows, the end not included: the stretches of text
    to draw from (`whole_documents` and `split_heldout` make them). Stretches with fewer than two
    tokens give no instance; `skipped` counts them. Raises CorpusError when none is left.

    Where the corpus has its text cut into other pieces for other epochs, epochs take them by turns;
    with `sampled` False every epoch has the likeliest pieces.
    """

    def __init__(
        self,
        corpus: Corpus,
        spans: ArrayLike,
        settings: InstanceSettings,
        seed: int,
        pieces: Pieces | None = None,
        sampled: bool = True,
    ) -> None:
        self.corpus = corpus
        self.settings = settings
        self.seed = seed
        self._original = settings.recipe == "original"
        self.pieces = pieces or Pieces.of(corpus.tokenizer())
        self._masking = Masking(settings, self.pieces)
        ranges = sentence_ranges(corpus, spans)
        tokens = corpus.sentence_offsets[ranges[:, 1]] - corpus.sentence_offsets[ranges[:, 0]]
        long_enough = tokens >= SHORTEST_DOCUMENT
        self.skipped = int(np.count_nonzero(~long_enough))
        if not long_enough.any():
            raise CorpusError(
                f"{corpus.folder} holds no document of {SHORTEST_DOCUMENT} tokens or more to make "
                "instances of: build it from more text"
            )
        self._spans = spans
        self._ranges = ranges[long_enough]
        self._tokenisations = (corpus.samples if sampled else []) or [corpus]
        self._epochs: dict[int, _Epoch] = {}

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which makes its own plans of the epochs."""
        return {**vars(self), "_epochs": {}}

    def unsampled(self) -> "InstanceStream":
        """The same stream with the likeliest pieces in every epoch."""
        if self._tokenisations == [self.corpus]:
            return self
        return InstanceStream(
            self.corpus, self._spans, self.settings, self.seed, self.pieces, sampled=False
        )

    def of_length(self, max_length: int) -> "InstanceStream":
        """The same text in instances of at most so many tokens."""
        settings = self.settings.changed(max_length=max_length)
        return InstanceStream(self.corpus, self._spans, settings, self.seed, self.pieces)

    def stretches(self) -> Iterator[Ids]:
        """The ids of every stretch of text to draw from, in the likeliest pieces."""
        offsets = self.corpus.sentence_offsets
        for first, end in self._ranges.tolist():
            yield self.corpus.ids(offsets.item(first), offsets.item(end))

    def epoch_size(self, epoch: int) -> int:
        """How many instances an epoch has; it differs a little from epoch to epoch."""
        return len(self.plan(epoch))

    def plan(self, epoch: int) -> Plan:
        """Which sentences make which instance in an epoch."""
        return self._epoch(epoch).plan

    def take_indices(
        self, position: Position, count: int
    ) -> tuple[list[tuple[int, int]], Position]:
        """Which instances those are, as (epoch, index), and the position after them."""
        taken: list[tuple[int, int]] = []
        epoch, offset = position.epoch, position.offset
        while len(taken) < count:
            size = self.epoch_size(epoch)
            end = min(size, offset + count - len(taken))
            order = self._epoch(epoch).order.take(np.arange(offset, end, dtype=np.uint64))
            taken += [(epoch, index) for index in order.tolist()]
            epoch, offset = (epoch, end) if end < size else (epoch + 1, 0)
        return taken, Position(epoch, offset)

    def instance(self, epoch: int, index: int) -> Instance:
        """Instance `index` of an epoch, in the order of the text."""
        drawn = self._epoch(epoch)
        plan = drawn.plan
        if not 0 <= index < len(plan):
            raise IndexError(f"epoch {epoch} has no instance {index}")
        rng = drawn.randomness.at(index)
        kind = plan.kind.item(index)
        segments = self._segments(drawn, index, kind, rng)
        ids, specials = self._join(segments, rng)
        segment_ids = np.zeros(len(ids), dtype=np.int64)
        if len(segments) == 2:
            segment_ids[specials[1] + 1 :] = 1
        positions, labels = self._masking.mask(ids, specials, rng)
        order = 1 if kind in (Kind.SWAPPED, Kind.RANDOM) else 0
        weight = 0.0 if kind == Kind.SINGLE else 1.0
        return Instance(ids, segment_ids, positions, labels, order, weight)

    def _segments(
        self, drawn: _Epoch, index: int, kind: int, rng: np.random.Generator
    ) -> list[Ids]:
        """The ids of segment A and, unless the instance is single, B."""
        plan = drawn.plan
        start = plan.start.item(index)
        middle = start + plan.split.item(index)
        a = drawn.ids(start, middle)
        if kind == Kind.SINGLE:
            return [a]
        if kind == Kind.RANDOM:
            wanted = plan.target.item(index) - len(a)
            first, end = draw_elsewhere(drawn.units, start, wanted, self._original, rng)
            return [a, drawn.ids(first, end)]
        b = drawn.ids(middle, start + plan.count.item(index))
        return [b, a] if kind == Kind.SWAPPED else [a, b]

    def _join(
        self, segments: list[Ids], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], list[int]]:
        """`[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`, and where the special tokens are.

        What is too long loses tokens of the longer segment, at its front or end by chance.
        """
        lengths = [len(segment) for segment in segments]
        room = self.settings.room
        if sum(lengths) > room:
            kept = shared_room(lengths[0], lengths[1] if len(lengths) > 1 else 0, room)
            for side, keep in enumerate(kept[: len(segments)]):
                cut = int(rng.binomial(lengths[side] - keep, 0.5))
                segments[side] = segments[side][cut : cut + keep]
                lengths[side] = keep
        ids = np.empty(sum(lengths) + len(lengths) + 1, dtype=np.int64)
        ids[0] = self.pieces.cls_id
        specials, place = [0], 1
        for segment, length in zip(segments, lengths, strict=True):
            ids[place : place + length] = segment
            place += length
            ids[place] = self.pieces.sep_id
            specials.append(place)
            place += 1
        return ids, specials

    def _epoch(self, epoch: int) -> _Epoch:
        """The epoch's plan; the last two are kept."""
        found = self._epochs.get(epoch)
        if found is None:
            corpus = self._tokenisations[epoch % len(self._tokenisations)]
            units = self._units(corpus)
            plan = plan_epoch(units, self.settings, self.seed, epoch)
            order = Permutation(len(plan), self.seed, "order", epoch)
            randomness = KeyedStream(self.seed, "instance", epoch)
            found = _Epoch(corpus, units, plan, order, randomness)
            if len(self._epochs) >= _EPOCHS_KEPT:
                self._epochs.pop(next(iter(self._epochs)))
            self._epochs[epoch] = found
        return found

    def _units(self, corpus: Corpus) -> Units:
        """The units of a tokenisation; epochs that share it share them."""
        for epoch in self._epochs.values():
            if epoch.corpus is corpus:
                return epoch.units
        room, original = self.settings.room, self._original
        return make_units(corpus.sentence_offsets, self._ranges, room, original)
