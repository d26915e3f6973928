"""The plateau that frequencies alone reach, and when a run left it."""

import numpy as np
import pytest

from fakes import MemoryCorpus
from litebert.corpus.instances import Instance, InstanceSettings
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.pretraining.evaluate import piece_counts, plateau_left, unigram_loss


def masked(labels: list[int]) -> Instance:
    """An instance with these pieces to predict."""
    ids = np.zeros(9, dtype=np.int64)
    return Instance(ids, ids, np.arange(len(labels)), np.array(labels), 0, 1.0)


def test_the_loss_of_equally_frequent_pieces_is_the_logarithm_of_their_number() -> None:
    counts = np.full(8, 100)
    assert unigram_loss(counts, [masked([0, 3]), masked([7])]) == pytest.approx(np.log(8))


def test_frequent_pieces_cost_less_and_unseen_ones_are_not_impossible() -> None:
    counts = np.array([98, 0])
    assert unigram_loss(counts, [masked([0])]) == pytest.approx(-np.log(99 / 100))
    assert unigram_loss(counts, [masked([1])]) == pytest.approx(-np.log(1 / 100))


def test_pieces_are_counted_as_they_stood_before_masking_and_without_special_ones() -> None:
    corpus = MemoryCorpus([[5, 7, 4], [6, 3]])
    settings = InstanceSettings(max_length=40, short_fraction=0.0)
    spans = whole_documents(corpus)
    counts = piece_counts(InstanceStream(corpus, spans, settings, 1, corpus.pieces()))
    (places,) = counts.nonzero()
    assert places.tolist() == [*range(10, 26), *range(10_010, 10_019)]
    assert len(set(counts[places])) == 1  # every token as often: once an epoch


def test_the_plateau_is_left_where_the_loss_is_clearly_below_it() -> None:
    evaluations = [(10, 6.6), (20, 6.45), (30, 6.3), (40, 6.5)]
    assert plateau_left(evaluations, 6.5) == 30
    assert plateau_left(evaluations, 6.3) is None
