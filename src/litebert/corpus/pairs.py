"""Which sentences make which pair: the plan of an epoch, from sentence lengths alone.

A document's sentences are gathered into chunks of about the target length; a chunk is split
between two sentences into segments A and B. Source: the original's
`create_instances_from_document`.

The plan walks all documents at once, one chunk a step. Random numbers belong to the sentence a
chunk starts with, so a plan does not depend on how it is computed.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.instances import InstanceSettings
from litebert.foundation.randomness import KeyedUniforms

SECTION = 4096  # sentences; a longer document is planned in sections side by side

Indices = NDArray[np.int64]


class Kind(IntEnum):
    """What an instance's segments are to each other."""

    IN_ORDER = 0
    SWAPPED = 1
    RANDOM = 2  # B is from another document
    SINGLE = 3  # there is only A


@dataclass(frozen=True)
class Units:
    """The sentences that chunks are made of, those too long for an instance cut into windows.

    `offsets` (units + 1,): where each unit's tokens start. `spans` (spans, 2): first unit and end
    of each stretch of text that belongs together. `windows` (windows, 3): the units that are
    windows, ascending, each with the first unit and the end of its sentence.
    """

    offsets: Indices
    spans: Indices
    windows: Indices


@dataclass(frozen=True)
class Plan:
    """An epoch's instances in the text's order; arrays of one length."""

    start: Indices  # first unit
    count: NDArray[np.int32]  # units
    split: NDArray[np.int32]  # units of the first segment
    kind: NDArray[np.int8]
    target: NDArray[np.int32]  # tokens of text aimed at

    def __len__(self) -> int:
        return len(self.start)


def make_units(offsets: Indices, spans: Indices, room: int, original: bool) -> Units:
    """Sentences as units, those longer than `room` tokens cut into equal windows.

    `offsets` (sentences + 1,) and `spans` (spans, 2) count sentences. The original cuts nothing: it
    truncates.
    """
    lengths = np.diff(offsets)
    long = np.flatnonzero(lengths > room)
    if original or not len(long):
        return Units(offsets, spans, np.empty((0, 3), dtype=np.int64))
    parts = -(-lengths[long] // room)  # windows of each long sentence
    before = np.cumsum(parts) - parts  # windows of the long sentences before it
    number = np.arange(parts.sum()) - np.repeat(before, parts)
    first = np.repeat(long + before - np.arange(len(long)), parts)
    inside = number > 0
    sentence = np.repeat(long, parts)
    cuts = offsets[sentence] + lengths[sentence] * number // np.repeat(parts, parts)
    added = np.concatenate(([0], np.cumsum(parts - 1)))  # units added by so many long sentences
    return Units(
        np.insert(offsets, sentence[inside] + 1, cuts[inside]),
        spans + added[np.searchsorted(long, spans)],
        np.column_stack((first + number, first, first + np.repeat(parts, parts))),
    )


def plan_epoch(units: Units, settings: InstanceSettings, seed: int, epoch: int) -> Plan:
    """The chunks of an epoch: a pure function of its arguments."""
    original = settings.recipe == "original"
    first, end = _sections(units.spans, original)
    draw = {
        name: KeyedUniforms(seed, "plan", epoch, name) for name in ("short", "aim", "split", "coin")
    }
    windows = units.windows
    # With an end, so that whatever is looked up is found; one copy for all the rounds.
    cut = np.append(windows[:, 0], np.iinfo(np.int64).max)
    parts: list[tuple[Indices, ...]] = []
    document = np.arange(len(first))
    start = first
    while len(start):
        anchor = first[document] if original else start  # what the target length belongs to
        short = draw["short"].at(anchor) < settings.short_fraction
        shorter = 2 + (draw["aim"].at(anchor) * (settings.room - 1)).astype(np.int64)
        target = np.where(short, shorter, settings.room)
        stop = np.searchsorted(units.offsets, units.offsets[start] + target)
        stop = np.minimum(np.maximum(stop, start + 1), end[document])
        stop, following = _whole_sentences(start, stop, windows, cut)
        stop = np.minimum(stop, end[document])
        sentences = np.where(following < stop, following + 1, stop) - start
        split = 1 + (draw["split"].at(start) * (sentences - 1)).astype(np.int64)
        kind = _kinds(sentences, draw["coin"].at(start) < 0.5, settings)
        split = np.where(kind == Kind.SINGLE, stop - start, split)
        parts.append((start, stop - start, split, kind, target))
        following = np.where(kind == Kind.RANDOM, start + split, following)  # the rest comes again
        rest = following < end[document]
        start, document = following[rest], document[rest]
    starts = np.concatenate([part[0] for part in parts])
    order = np.argsort(starts, kind="stable")
    columns = [
        np.concatenate([part[column] for part in parts], dtype=dtype, casting="same_kind")[order]
        for column, dtype in enumerate((np.int64, np.int32, np.int32, np.int8, np.int32))
    ]
    return Plan(*columns)


def draw_elsewhere(
    units: Units, start: int, wanted: int, original: bool, rng: np.random.Generator
) -> tuple[int, int]:
    """Units (first, end) of at least `wanted` tokens, or up to its end, from another span.

    `start` is a unit of the span that it is to differ from; the original may meet it after all.
    """
    spans = units.spans
    here = int(np.searchsorted(spans[:, 0], start, side="right")) - 1
    number = int(rng.integers(len(spans)))
    for _ in range(9 if original else 0):
        if number != here:
            break
        number = int(rng.integers(len(spans)))
    if not original and len(spans) > 1:
        number = (here + 1 + int(rng.integers(len(spans) - 1))) % len(spans)
    low, high = spans[number].tolist()
    first = int(rng.integers(low, high))
    stop = int(np.searchsorted(units.offsets, units.offsets[first] + wanted))
    return first, min(max(stop, first + 1), high)


def _sections(spans: Indices, original: bool) -> tuple[Indices, Indices]:
    """First units and ends of what is walked side by side; the original walks whole documents."""
    first, end = spans[:, 0], spans[:, 1]
    if original:
        return first, end
    pieces = np.maximum(-(-(end - first) // SECTION), 1)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = np.repeat(first, pieces) + number * SECTION
    return start, np.minimum(start + SECTION, np.repeat(end, pieces))


def _whole_sentences(
    start: Indices, stop: Indices, windows: Indices, cut: Indices
) -> tuple[Indices, Indices]:
    """Ends of chunks, and where the next ones start, given sentences that are cut into windows.

    Such a sentence may end a chunk, truncated; then it comes again, each window an instance of its
    own, so that none of its tokens is lost. `cut` holds their units in order, and an end.
    """
    if not len(windows):
        return stop, stop
    alone = cut[np.searchsorted(cut, start)] == start
    stop = np.where(alone, start + 1, stop)
    place = np.searchsorted(cut, stop - 1)
    truncated = (cut[place] == stop - 1) & ~alone
    place = np.where(truncated, place, 0)
    following = np.where(truncated, windows[place, 1], stop)
    return np.where(truncated, windows[place, 2], stop), following


def _kinds(sentences: Indices, coin: NDArray[np.bool_], settings: InstanceSettings) -> Indices:
    if settings.sentence_objective == "none":
        return np.full(len(sentences), Kind.SINGLE, dtype=np.int64)
    other = Kind.SWAPPED if settings.sentence_objective == "order" else Kind.RANDOM
    alone = Kind.RANDOM if settings.recipe == "original" else Kind.SINGLE
    return np.where(sentences == 1, alone, np.where(coin, other, Kind.IN_ORDER)).astype(np.int64)
