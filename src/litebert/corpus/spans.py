"""Stretches of a corpus: which sentences of which documents a stream draws from."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from litebert.corpus.shards import Corpus
from litebert.foundation.errors import ConfigError, CorpusError
from litebert.foundation.randomness import KeyedUniforms

Spans = NDArray[np.int64]  # (spans, 3): document, first sentence, end (not included)


def whole_documents(corpus: Corpus) -> Spans:
    """Every document of the corpus as a span."""
    counts = np.diff(corpus.document_offsets)
    documents = np.arange(corpus.documents)
    return np.column_stack((documents, np.zeros_like(documents), counts))


def split_heldout(corpus: Corpus, heldout: float, seed: int = 0) -> tuple[Spans, Spans]:
    """Set text aside for evaluation: (spans to train on, spans held out).

    `heldout` is a share of the corpus's tokens where it is below 1, else a number of tokens; about
    so many are held out. Whole documents are taken, in an order keyed by the seed; one that holds
    more than half of the corpus (as the only one does) gives its end alone. Raises ConfigError
    when `heldout` leaves nothing to train on, CorpusError when the corpus cannot be split.
    """
    wanted = max(1, int(heldout * corpus.tokens if heldout < 1 else heldout))
    if heldout <= 0 or wanted > corpus.tokens / 2:
        raise ConfigError(
            f"{heldout:g} held out of {corpus.tokens:,} tokens: set aside more than none of them "
            "and at most half"
        )
    spans = whole_documents(corpus)
    bounds = corpus.sentence_offsets[corpus.document_offsets]
    sizes = np.diff(bounds)
    order = np.argsort(KeyedUniforms(seed, "held out").at(spans[:, 0]), kind="stable")
    largest = int(sizes.argmax())
    if 2 * sizes[largest] > corpus.tokens:
        order = order[order != largest]
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen = np.sort(order[before < wanted])
    train, held = np.delete(spans, chosen, axis=0), spans[chosen]
    missing = wanted - int(sizes[chosen].sum())
    if missing > 0:
        return _cut(corpus, train, held, largest, missing)
    return train, held


def sentence_ranges(corpus: Corpus, spans: ArrayLike) -> NDArray[np.int64]:
    """(first, end) of each span as sentences of the corpus, (spans, 2), ascending."""
    rows = np.asarray(spans, dtype=np.int64).reshape(-1, 3)
    ranges = corpus.document_offsets[rows[:, 0]][:, None] + rows[:, 1:]
    return ranges[np.argsort(ranges[:, 0], kind="stable")]


def _cut(
    corpus: Corpus, train: Spans, held: Spans, document: int, tokens: int
) -> tuple[Spans, Spans]:
    """Move the last sentences of a document, about `tokens` tokens, from `train` to `held`."""
    lengths = corpus.sentence_lengths(document)
    if len(lengths) < 2:
        raise CorpusError(
            f"{corpus.folder} is too small to hold anything out: build it from more text"
        )
    after = np.cumsum(lengths[::-1])[::-1]  # tokens from each sentence to the document's end
    first = max(1, int(np.searchsorted(-after, -tokens, side="right")) - 1)
    count = len(lengths)
    train = np.array([[d, 0, first] if d == document else [d, a, b] for d, a, b in train])
    return train, np.vstack((held, [[document, first, count]]))
