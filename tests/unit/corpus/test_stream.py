from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import MemoryCorpus
from litebert.corpus.instances import Instance, InstanceSettings
from litebert.corpus.overview import unmasked
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.errors import CorpusError
from litebert.foundation.randomness import Position

documents = st.lists(
    st.lists(st.integers(1, 40) | st.integers(1, 200), min_size=1, max_size=20),
    min_size=1,
    max_size=6,
).filter(lambda lengths: max(map(sum, lengths)) > 1)
NOVELS = [[5, 20, 9, 31, 14] * 40 for _ in range(12)]


def make_stream(lengths, seed=5, **changes) -> InstanceStream:
    corpus = MemoryCorpus(lengths)
    chosen = InstanceSettings(**{"max_length": 64, **changes})
    return InstanceStream(corpus, whole_documents(corpus), chosen, seed, corpus.pieces())


def epoch_of(stream, epoch=0) -> list[Instance]:
    return [stream.instance(epoch, index) for index in range(stream.epoch_size(epoch))]


def segments(instance: Instance) -> list[list[int]]:
    """The ids before masking of segment A and, where there is one, B."""
    ids = unmasked(instance)
    inner = np.isin(ids, (2, 3), invert=True)
    parts = [ids[inner & (instance.segment_ids == side)].tolist() for side in (0, 1)]
    return parts if instance.segment_ids.any() else parts[:1]


def same(a: Instance, b: Instance) -> bool:
    arrays = ("ids", "segment_ids", "positions", "labels")
    return (a.order, a.order_weight) == (b.order, b.order_weight) and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays
    )


cases = given(
    lengths=documents,
    objective=st.sampled_from(["order", "next", "none"]),
    recipe=st.sampled_from(["litebert", "original"]),
    max_length=st.sampled_from([16, 64, 128]),
    seed=st.integers(0, 2**32),
)


@settings(deadline=None)
@cases
def test_instances_are_well_formed(lengths, objective, recipe, max_length, seed):
    stream = make_stream(
        lengths, seed, sentence_objective=objective, recipe=recipe, max_length=max_length
    )
    for instance in epoch_of(stream):
        ids = unmasked(instance)
        assert 3 <= len(ids) <= max_length
        parts = segments(instance)
        assert all(parts)
        expected = [2, *parts[0], 3] + ([*parts[1], 3] if len(parts) == 2 else [])
        assert ids.tolist() == expected
        assert instance.segment_ids.tolist() == [0] * (len(parts[0]) + 2) + [1] * (
            len(ids) - len(parts[0]) - 2
        )
        for part in parts:  # a stretch of one document
            assert part == list(range(part[0], part[-1] + 1))
        if len(parts) == 1:
            assert (instance.order, instance.order_weight) == (0, 0.0)
            continue
        assert instance.order_weight == 1.0
        a, b = parts
        one_document = (a[0] - 10) // 10_000 == (b[0] - 10) // 10_000
        if objective == "none":
            pytest.fail("a pair where no sentence objective was asked for")
        if instance.order == 0:
            assert one_document
            assert a[-1] < b[0]
        elif recipe == "litebert" and objective == "order":
            assert one_document
            assert b[-1] < a[0]
        elif recipe == "litebert" and len(stream._epoch(0).units.spans) > 1:
            assert not one_document


@settings(deadline=None, max_examples=50)
@cases
def test_an_instance_is_a_pure_function_of_seed_epoch_and_index(
    lengths, objective, recipe, max_length, seed
):
    chosen = {"sentence_objective": objective, "recipe": recipe, "max_length": max_length}
    stream, other = (make_stream(lengths, seed, **chosen) for _ in range(2))
    epoch_of(other, 3)
    expected = epoch_of(stream, 1)
    index = len(expected) // 2
    assert same(other.instance(1, index), expected[index])
    assert all(map(same, epoch_of(other, 1), expected))


@settings(deadline=None, max_examples=30)
@given(documents, st.integers(0, 60), st.integers(1, 60), st.integers(1, 7))
def test_a_stream_goes_on_from_any_position_as_if_never_stopped(lengths, before, after, step):
    stream = make_stream(lengths)
    whole, end = stream.take(Position(), before + after)
    _, position = stream.take(Position(), before)
    resumed = make_stream(lengths)
    taken: list[Instance] = []
    while len(taken) < after:
        part, position = resumed.take(position, min(step, after - len(taken)))
        taken += part
    assert position == end
    assert all(map(same, taken, whole[before:]))


def test_every_epoch_serves_each_instance_once_in_its_own_order():
    stream = make_stream(NOVELS)
    position, orders = Position(), []
    for epoch in range(3):
        size = stream.epoch_size(epoch)
        taken, position = stream.take(position, size)
        assert position == Position(epoch + 1, 0)
        expected = Counter(instance.ids.tobytes() for instance in epoch_of(stream, epoch))
        assert Counter(instance.ids.tobytes() for instance in taken) == expected
        orders.append([segments(instance)[0][0] for instance in taken])
    assert orders[0] != sorted(orders[0])
    assert orders[0] != orders[1]


def test_taking_rolls_over_the_end_of_an_epoch():
    stream = make_stream([[9] * 60])
    size = stream.epoch_size(0)
    taken, position = stream.take(Position(0, size - 1), 3)
    assert position == Position(1, 2)
    assert same(taken[1], stream.take(Position(1, 0), 1)[0][0])
    assert stream.take(Position(0, 0), 0) == ([], Position(0, 0))
    assert len(stream.take(Position(), 50 * size)[0]) == 50 * size


def test_masks_differ_from_epoch_to_epoch():
    stream = make_stream([[30, 30]], short_fraction=0)
    masks = {stream.instance(epoch, 0).positions.tobytes() for epoch in range(10)}
    assert len(masks) == 10


@pytest.mark.parametrize("objective", ["order", "next"])
def test_labels_are_balanced_and_the_fraction_is_kept(objective):
    instances = [
        instance
        for epoch in range(4)
        for instance in epoch_of(make_stream(NOVELS, sentence_objective=objective), epoch)
    ]
    labels = [instance.order for instance in instances if instance.order_weight]
    assert len(labels) > 0.9 * len(instances)
    assert np.mean(labels) == pytest.approx(0.5, abs=0.04)
    for instance in instances:
        assert len(instance.positions) == max(1, round(0.15 * len(instance.ids)))


def test_no_token_of_a_sentence_longer_than_an_instance_is_lost():
    stream = make_stream([[20, 500, 20], [700]])
    seen = {token for i in epoch_of(stream) for part in segments(i) for token in part}
    assert set(range(10 + 20, 10 + 520)) <= seen
    assert set(range(10_010, 10_710)) <= seen


def test_only_the_original_pairs_lone_sentences_with_other_documents():
    lengths = [[30], [40], [35]]
    ours = epoch_of(make_stream(lengths))
    assert [instance.order_weight for instance in ours] == [0.0] * 3
    original = epoch_of(make_stream(lengths, recipe="original"))
    assert [(i.order, i.order_weight) for i in original] == [(1, 1.0)] * 3
    assert all(len(segments(instance)) == 2 for instance in original)


def test_documents_too_short_are_left_out_and_counted():
    stream = make_stream([[1], [30, 30], [1]])
    assert stream.skipped == 2
    assert all(part[0] >= 10_010 for i in epoch_of(stream) for part in segments(i))
    with pytest.raises(CorpusError, match="no document of 2 tokens or more"):
        make_stream([[1], [1]])


def test_only_the_spans_asked_for_are_drawn_from():
    corpus = MemoryCorpus([[10] * 50, [10] * 50])
    chosen = InstanceSettings(max_length=64, sentence_objective="next")
    stream = InstanceStream(corpus, [(1, 20, 30)], chosen, 0, corpus.pieces())
    seen = {token for i in epoch_of(stream) for part in segments(i) for token in part}
    assert min(seen) >= 10_010 + 200
    assert max(seen) < 10_010 + 300
    with pytest.raises(IndexError):
        stream.instance(0, stream.epoch_size(0))


def test_too_long_segments_lose_tokens_at_both_ends_by_chance():
    stream = make_stream([[60, 60]], short_fraction=0, recipe="original", sentence_objective="none")
    starts = [segments(stream.instance(epoch, 0))[0][0] - 10 for epoch in range(60)]
    assert all(len(segments(stream.instance(epoch, 0))[0]) == 62 for epoch in range(5))
    assert np.mean(starts) == pytest.approx((120 - 62) / 2, abs=3)
    assert len(set(starts)) > 5


def test_a_corpus_on_the_disk_gives_instances_of_its_own_vocabulary(corpus, tokenizer):
    stream = InstanceStream(corpus, whole_documents(corpus), InstanceSettings(), seed=1)
    instances, _ = stream.take(Position(), 100)
    text = " ".join(tokenizer.decode(part) for i in instances for part in segments(i))
    assert "⁇" not in text
    assert "statement" in text
