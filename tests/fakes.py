"""Small doubles and tiny models that tests share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from litebert.corpus.instances import Pieces
from litebert.encoder.config import EncoderConfig


def tiny_config(**changes: Any) -> EncoderConfig:
    """An encoder configuration small enough for tests of a few milliseconds."""
    tiny = {
        "vocab_size": 40,
        "embedding_size": 8,
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
    }
    return EncoderConfig.parse({**tiny, **changes})


class MemoryCorpus:
    """A corpus held in memory, for streams: documents of sentences, given by their lengths.

    Every id names its place: document d's tokens are BASE + d * WIDTH, BASE + d * WIDTH + 1 …
    """

    BASE, WIDTH = 10, 10_000

    def __init__(self, documents: Sequence[Sequence[int]]) -> None:
        self.folder = Path("memory")
        self.samples: list[MemoryCorpus] = []
        self.documents = len(documents)
        self.sentences = sum(map(len, documents))
        self.tokens = sum(map(sum, documents))
        self.vocab_size = self.BASE + self.documents * self.WIDTH
        lengths = [length for document in documents for length in document]
        self.document_offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
        self.sentence_offsets = np.cumsum([0, *lengths], dtype=np.int64)
        sizes = [np.arange(sum(document)) for document in documents]
        parts = [self.BASE + self.WIDTH * d + size for d, size in enumerate(sizes)]
        self._ids = np.concatenate(parts).astype(np.uint32)

    def ids(self, first: int, last: int) -> np.ndarray:
        """Ids of tokens first … last - 1."""
        return self._ids[first:last]

    def sentence_lengths(self, document: int) -> np.ndarray:
        """Tokens of each sentence of a document."""
        first, last = self.document_offsets[document : document + 2]
        return np.diff(self.sentence_offsets[first : last + 1])

    def pieces(self) -> Pieces:
        """A vocabulary for these ids in which every piece begins a word."""
        starts = np.ones(self.vocab_size, dtype=bool)
        return Pieces(2, 3, 4, starts, np.arange(self.BASE, self.vocab_size))
