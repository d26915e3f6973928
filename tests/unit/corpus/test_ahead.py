"""Batches made ahead are those that would be made on the spot, wherever one goes on from."""

import os
import pickle
import signal
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from litebert.corpus.ahead import Ahead, BatchMaker, Made
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.shards import Corpus
from litebert.corpus.short_start import ShortStart
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.errors import CorpusError
from litebert.foundation.randomness import Position


@pytest.fixture(scope="module")
def maker(corpus: Corpus) -> BatchMaker:
    settings = InstanceSettings(max_length=32)
    stream = InstanceStream(corpus, whole_documents(corpus), settings, seed=3)
    return BatchMaker(ShortStart(stream, 16, 5, 4), batch_size=5, micro_batch_size=2)


@pytest.fixture(scope="module")
def ahead(maker: BatchMaker) -> Iterator[Ahead]:
    made = Ahead(maker, 2)
    yield made
    made.close()


def assert_same(found: Made, wanted: Made) -> None:
    assert found[1] == wanted[1]
    assert len(found[0]) == len(wanted[0])
    for batch, other in zip(found[0], wanted[0], strict=True):
        for name, values in vars(batch).items():
            np.testing.assert_array_equal(values, getattr(other, name), err_msg=name)


def test_a_batch_comes_in_micro_batches(maker: BatchMaker):
    packed, after = maker(Position(1, 0))
    assert [len(each.lengths) for each in packed] == [2, 2, 1]
    assert after == maker.after(Position(1, 0)) == Position(1, 5)


def test_short_instances_make_no_more_micro_batches(maker: BatchMaker):
    """They are half as long and twice as many: each micro-batch has twice as many of them."""
    packed, _ = maker(Position())
    assert [len(each.lengths) for each in packed] == [4, 4, 2]
    half = replace(maker, micro_batch_size=5, parts=2)
    assert [len(each.lengths) for each in half(Position())[0]] == [5]


def test_what_is_made_ahead_is_what_the_maker_makes(maker: BatchMaker, ahead: Ahead):
    position = Position()
    for _ in range(12):
        made = ahead(position)
        assert_same(made, maker(position))
        position = made[1]
    assert position.epoch > 0  # beyond the short instances


def test_one_may_go_back_and_leap(maker: BatchMaker, ahead: Ahead):
    for position in (Position(2, 3), Position(0, 0), Position(0, 10), Position(0, 0)):
        assert_same(ahead(position), maker(position))


def test_each_process_has_its_part(maker: BatchMaker):
    parts = [BatchMaker(maker.stream, 5, 5, part, 2)(Position(1, 0)) for part in range(2)]
    whole = BatchMaker(maker.stream, 5, 5)(Position(1, 0))
    assert sum(len(made[0][0].input_ids) for made in parts) == len(whole[0][0].input_ids)
    assert {made[1] for made in parts} == {whole[1]}


def test_a_stream_travels_without_its_plans(maker: BatchMaker):
    maker(Position(1, 0))
    travelled = pickle.dumps(maker.stream)
    assert_same(
        BatchMaker(pickle.loads(travelled), 5, 2)(Position(1, 0)),
        maker(Position(1, 0)),
    )


def test_a_worker_that_is_lost_is_said(maker: BatchMaker):
    ahead = Ahead(maker, 1)
    _, position = ahead(Position())
    for process in ahead._pool._processes.values():
        os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(CorpusError, match="a process that makes batches ended before its time"):
        for _ in range(20):
            _, position = ahead(position)
    with pytest.raises(CorpusError, match="0 does without"):  # nor is there anyone to ask anew
        ahead(Position(2, 0))
    ahead.close()
