import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import MemoryCorpus
from litebert.corpus.spans import sentence_ranges, split_heldout, whole_documents
from litebert.foundation.errors import ConfigError, CorpusError

MANY = [[10] * 20 for _ in range(50)]


def tokens(corpus, spans) -> int:
    ranges = sentence_ranges(corpus, spans)
    return int(np.diff(corpus.sentence_offsets[ranges], axis=1).sum())


@given(
    st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=20), min_size=1, max_size=20),
    st.floats(0.01, 0.5),
    st.integers(0, 5),
)
def test_every_sentence_is_either_trained_on_or_held_out(lengths, share, seed):
    corpus = MemoryCorpus(lengths)
    try:
        train, held = split_heldout(corpus, share, seed)
    except ConfigError:
        assert corpus.tokens == 1
        return
    except CorpusError:  # one sentence is more than half of everything
        assert max(max(document) for document in lengths) > corpus.tokens / 2
        return
    sides = [sentence_ranges(corpus, spans) for spans in (train, held)]
    covered = np.zeros(corpus.sentences, dtype=int)
    for first, end in np.vstack(sides).tolist():
        assert first < end
        covered[first:end] += 1
    assert (covered == 1).all()
    assert len(train) > 0
    assert len(held) > 0


def test_whole_documents_are_held_out_in_an_order_keyed_by_the_seed():
    corpus = MemoryCorpus(MANY)
    train, held = split_heldout(corpus, 0.1, seed=1)
    assert len(held) == 5
    assert len(train) == 45
    assert held[:, 1:].tolist() == [[0, 20]] * 5
    assert (split_heldout(corpus, 1000, seed=1)[1] == held).all()
    assert (split_heldout(corpus, 0.1, seed=2)[1] != held).any()
    wider = split_heldout(corpus, 0.2, seed=1)[1]
    assert set(held[:, 0]) < set(wider[:, 0])


def test_a_corpus_of_one_document_gives_its_last_part():
    corpus = MemoryCorpus([[10] * 100])
    train, held = split_heldout(corpus, 0.1)
    assert train.tolist() == [[0, 0, 90]]
    assert held.tolist() == [[0, 90, 100]]


def test_a_document_of_more_than_half_the_corpus_is_never_held_out_whole():
    corpus = MemoryCorpus([[10] * 10, [10] * 200, [10] * 10])
    for seed in range(5):
        train, held = split_heldout(corpus, 0.2, seed)
        assert tokens(corpus, held) == pytest.approx(0.2 * corpus.tokens, abs=10)
        assert [1, 0, 176] in train.tolist()


def test_what_cannot_be_held_out_is_refused():
    corpus = MemoryCorpus(MANY)
    for heldout in (0, 0.6, 9_000, -1):
        with pytest.raises(ConfigError, match="held out of 10,000 tokens"):
            split_heldout(corpus, heldout)
    with pytest.raises(CorpusError, match="too small to hold anything out"):
        split_heldout(MemoryCorpus([[40]]), 0.2)


def test_spans_become_ranges_of_the_corpus_in_its_order():
    corpus = MemoryCorpus([[5, 5], [5], [5, 5, 5]])
    assert whole_documents(corpus).tolist() == [[0, 0, 2], [1, 0, 1], [2, 0, 3]]
    assert sentence_ranges(corpus, [(2, 1, 3), (0, 0, 1)]).tolist() == [[0, 1], [4, 6]]
