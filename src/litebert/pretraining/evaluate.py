"""What there is to learn: the loss a model reaches from the frequencies of the pieces alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.instances import Instance
from litebert.corpus.stream import InstanceStream
from litebert.foundation.randomness import Position

SAMPLE_TOKENS = 1_000_000  # enough for the frequencies of the pieces
UNDER_PLATEAU = 0.1  # nats: so far under it a model has learnt something of context


def piece_counts(stream: InstanceStream) -> NDArray[np.int64]:
    """How often each piece (V,) occurs in a sample of the first epoch's text.

    [CLS] and [SEP] are never masked and do not count.
    """
    stream = stream.unsampled()  # as the evaluations are
    counts = np.zeros(stream.corpus.vocab_size, dtype=np.int64)
    position, tokens = Position(), 0
    while tokens < SAMPLE_TOKENS and position.epoch == 0:
        instances, position = stream.take(position, 256)
        for instance in instances:
            ids = np.array(instance.ids)
            ids[instance.positions] = instance.labels
            counts += np.bincount(ids, minlength=len(counts))
            tokens += len(ids)
    counts[[stream.pieces.cls_id, stream.pieces.sep_id]] = 0
    return counts


def unigram_loss(counts: NDArray[np.int64], instances: Sequence[Instance]) -> float:
    """Mean negative log-likelihood, in nats, of the masked pieces under their frequencies.

    `counts` (V,): how often each piece occurs in training; one is added to each. A model that has
    learnt nothing of context stays at this plateau.
    """
    labels = np.concatenate([instance.labels for instance in instances])
    smoothed = counts.astype(np.float64) + 1.0
    return float(-(np.log(smoothed[labels]) - np.log(smoothed.sum())).mean())


def plateau_left(evaluations: Sequence[tuple[int, float]], plateau: float) -> int | None:
    """The first step whose held-out masked-LM loss is a tenth of a nat under the plateau."""
    return next((step for step, loss in evaluations if loss < plateau - UNDER_PLATEAU), None)
