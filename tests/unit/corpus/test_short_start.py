import numpy as np
import pytest

from fakes import MemoryCorpus
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.short_start import LONG_FROM, ShortStart
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.randomness import Position

NOVELS = [[5, 20, 9, 31, 14] * 20 for _ in range(8)]
BATCH = 4


@pytest.fixture
def long() -> InstanceStream:
    corpus = MemoryCorpus(NOVELS)
    settings = InstanceSettings(max_length=64)
    return InstanceStream(corpus, whole_documents(corpus), settings, 5, corpus.pieces())


def batches(stream, count, position=None):
    taken, position = [], position or Position()
    for _ in range(count):
        instances, position = stream.take(position, BATCH)
        taken.append(instances)
    return taken, position


def test_short_batches_come_first_with_as_many_more_instances(long) -> None:
    stream = ShortStart(long, 16, BATCH, batches=3)
    first, position = batches(stream, 3)
    assert position == LONG_FROM
    assert [len(batch) for batch in first] == [4 * BATCH] * 3
    assert max(len(instance.ids) for batch in first for instance in batch) == 16
    assert np.mean([sum(len(i.ids) for i in batch) for batch in first]) > 0.6 * 64 * BATCH


def test_then_comes_the_long_stream_from_its_beginning(long) -> None:
    stream = ShortStart(long, 16, BATCH, batches=3)
    count = long.epoch_size(0) // BATCH + 2  # into the next epoch
    begun, position = batches(stream, count, LONG_FROM)
    expected, there = batches(long, count)
    assert there.epoch == 1
    assert position == Position(there.epoch + 1, there.offset)
    for ours, theirs in zip(begun, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert np.array_equal(a.ids, b.ids)
            assert np.array_equal(a.labels, b.labels)


def test_it_goes_on_at_any_position_and_parts_make_up_the_batch(long) -> None:
    stream, position = ShortStart(long, 16, BATCH, batches=2), Position()
    for _ in range(4):
        again = ShortStart(long, 16, BATCH, batches=2)
        whole, after = stream.take(position, BATCH)
        halves = [again.take(position, BATCH, part, 2) for part in range(2)]
        assert [end for _, end in halves] == [after, after]
        ids = [instance.ids.tolist() for half, _ in halves for instance in half]
        assert ids == [instance.ids.tolist() for instance in whole]
        position = after


def test_a_small_corpus_is_gone_through_once_at_most_and_without_a_batch_that_is_not_full(
    long,
) -> None:
    stream, position, sizes = ShortStart(long, 16, BATCH, batches=10_000), Position(), []
    seen: set[tuple[int, int]] = set()
    while position != LONG_FROM:
        taken, position = stream.take_indices(position, BATCH)
        sizes.append(len(taken))
        seen.update(taken)
    assert set(sizes) == {4 * BATCH}
    assert len(seen) == sum(sizes) <= long.of_length(16).epoch_size(0) < len(seen) + 4 * BATCH


def test_where_not_even_one_batch_is_there_the_long_stream_begins_at_once(long) -> None:
    stream = ShortStart(long, 16, 10_000, batches=3)
    taken, after = stream.take_indices(Position(), 2)
    expected, there = long.take_indices(Position(), 2)
    assert taken == [(1, index) for _, index in expected]
    assert after == Position(1, there.offset)
