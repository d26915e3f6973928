"""What a corpus holds, in figures and in one instance a person can read."""

from dataclasses import dataclass

import numpy as np

from litebert.corpus.instances import Instance, InstanceSettings, Pieces
from litebert.corpus.shards import Corpus
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.randomness import Position
from litebert.text.tokenizer import Tokenizer

BOUNDS = (1, 4, 8, 16, 32, 64, 128, 256, 512)  # of the histogram: sentences of at least so many


@dataclass(frozen=True)
class Bin:
    """Sentences of `low` to `high` tokens (no limit where None)."""

    low: int
    high: int | None
    sentences: int
    share: float


@dataclass(frozen=True)
class Overview:
    """Figures about a corpus, and about the first epoch of instances made of it."""

    documents: int
    sentences: int
    tokens: int
    sampled_epochs: int
    empty_documents: int
    unknown_share: float
    tokens_a_sentence: float
    tokens_a_document: float
    histogram: list[Bin]
    instances: int
    skipped: int
    masked_share: float
    mean_length: float
    sample: str


def overview(
    corpus: Corpus, settings: InstanceSettings | None = None, seed: int = 0, sampled: int = 200
) -> Overview:
    """Look a corpus over; shares and lengths of instances are those of `sampled` ones."""
    tokenizer = corpus.tokenizer()
    settings = settings or InstanceSettings()
    spans = whole_documents(corpus)
    stream = InstanceStream(corpus, spans, settings, seed, Pieces.of(tokenizer), sampled=False)
    size = stream.epoch_size(0)
    instances, _ = stream.take(Position(), min(sampled, size))
    tokens = sum(len(instance.ids) for instance in instances)
    masked = sum(len(instance.positions) for instance in instances)
    original = np.concatenate([unmasked(instance) for instance in instances])
    return Overview(
        documents=corpus.documents,
        sentences=corpus.sentences,
        tokens=corpus.tokens,
        sampled_epochs=len(corpus.samples),
        empty_documents=corpus.description["counts"]["empty_documents"],
        unknown_share=float(np.mean(original == tokenizer.unk_id)),
        tokens_a_sentence=corpus.tokens / corpus.sentences,
        tokens_a_document=corpus.tokens / corpus.documents,
        histogram=_histogram(corpus),
        instances=size,
        skipped=stream.skipped,
        masked_share=masked / tokens,
        mean_length=tokens / len(instances),
        sample=readable(instances[0], tokenizer),
    )


def readable(instance: Instance, tokenizer: Tokenizer) -> str:
    """An instance as text: every chosen token as `{what the model sees→what it should say}`."""
    ids, special = instance.ids.tolist(), (tokenizer.cls_id, tokenizer.sep_id)
    words = ["".join(tokenizer.spelling(index)) for index in ids]
    for place, label in zip(instance.positions.tolist(), instance.labels.tolist(), strict=True):
        space, said = tokenizer.spelling(label)
        words[place] = f"{space}{{{tokenizer.spelling(ids[place])[1]}→{said}}}"
    parts = zip(ids, words, strict=True)
    text = "".join(f" {word} " if index in special else word for index, word in parts)
    return " ".join(text.split())


def unmasked(instance: Instance) -> np.ndarray:
    """The ids (T,) of an instance before masking."""
    ids = instance.ids.copy()
    ids[instance.positions] = instance.labels
    return ids


def _histogram(corpus: Corpus) -> list[Bin]:
    lengths = np.diff(corpus.sentence_offsets)
    edges = [*BOUNDS, np.iinfo(np.int64).max]
    counts = np.histogram(lengths, edges)[0].tolist()
    highs = [bound - 1 for bound in BOUNDS[1:]]
    return [
        Bin(low, high, count, count / len(lengths))
        for low, high, count in zip(BOUNDS, [*highs, None], counts, strict=True)
    ]
