"""Subword sampling: other ways to cut a text into pieces than the likeliest one.

Source: Kudo 2018, and the original's tokenization.py (encode_pieces with sample=True, which draws
among 64 segmentations with alpha 0.1). Drawing is ours: SentencePiece's own sampler has one random
state for the whole process, so that its results depend on what else was drawn.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from litebert.foundation.settings import Settings


class SubwordSettings(Settings):
    """Whether, and how, text is cut into pieces anew for the epochs of training."""

    sampled_epochs: int = Field(0, ge=0)
    """Cut the text into pieces anew for so many epochs, which training takes by turns; by default
    every epoch has the likeliest pieces. Evaluations always have those."""
    nbest: int = Field(64, ge=2)
    """Draw among so many ways to cut a sentence, the likeliest ones."""
    alpha: float = Field(0.1, ge=0)
    """How much likelier ways are preferred: 0 not at all, 1 as the vocabulary's model would."""
    sampling_seed: int = Field(0, ge=0)
    """Determines what is drawn."""


def draw(
    ways: Sequence[list[int]],
    scores: NDArray[np.float64],
    alpha: float,
    uniforms: NDArray[np.float64],
) -> list[list[int]]:
    """One of the ways to cut a text for each uniform number in [0, 1).

    A way's probability is the softmax of alpha times its score: the sum of its pieces' `scores`
    (V,), their log probabilities.
    """
    lengths = [len(way) for way in ways]
    if len(ways) == 1 or not all(lengths):
        return [ways[0]] * len(uniforms)
    pieces = np.concatenate([np.asarray(way, dtype=np.int64) for way in ways])
    totals = np.add.reduceat(scores[pieces], np.cumsum([0, *lengths[:-1]]))
    weights = np.cumsum(np.exp(alpha * (totals - totals.max())))
    chosen = np.searchsorted(weights, uniforms * weights[-1], side="right")
    return [ways[min(index, len(ways) - 1)] for index in chosen.tolist()]
