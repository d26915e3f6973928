"""What an instance is, and the settings that decide how instances are made."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from litebert.foundation.settings import Settings
from litebert.text.tokenizer import Tokenizer

Objective = Literal["order", "next", "none"]
Recipe = Literal["litebert", "original"]


class InstanceSettings(Settings):
    """How pairs and masks are made of a corpus."""

    max_length: int = Field(default=128, ge=8)
    """Longest instance, in tokens, [CLS] and [SEP] included."""
    sentence_objective: Objective = "order"
    """What is asked of the two segments: are they in order, does B come next, or nothing."""
    masked_fraction: float = Field(default=0.15, gt=0, lt=1)
    """Share of an instance's tokens that are to be predicted."""
    ngram: int = Field(default=3, ge=1, le=10)
    """Longest span of whole words that is masked at once; n words with probability ∝ 1/n."""
    favor_shorter: bool = True
    """Draw short spans more often; otherwise the probabilities are reversed."""
    span_replacement: bool = False
    """Draw between mask, random token and no change once a span, not once a token."""
    max_predictions: int | None = Field(default=None, ge=1)
    """Most tokens predicted in one instance (the original's default is 20); no limit by default."""
    short_fraction: float = Field(default=0.1, ge=0, le=1)
    """Share of instances that aim at a random shorter length."""
    recipe: Recipe = "litebert"
    """How odd cases are handled: mended, or exactly as the original ALBERT handles them."""

    @property
    def room(self) -> int:
        """Tokens of text that fit beside [CLS] and [SEP]."""
        return self.max_length - (2 if self.sentence_objective == "none" else 3)


@dataclass(frozen=True, slots=True)
class Instance:
    """One masked input of T tokens with M tokens to predict.

    `order` is 0 where segment B follows A, 1 where they are swapped or B is from elsewhere;
    `order_weight` is 0 where there is a single segment, which says nothing about order.
    """

    ids: NDArray[np.int64]  # (T,)
    segment_ids: NDArray[np.int64]  # (T,)
    positions: NDArray[np.int64]  # (M,) ascending
    labels: NDArray[np.int64]  # (M,) the ids before masking
    order: int
    order_weight: float


@dataclass(frozen=True)
class Pieces:
    """What instances need to know of a vocabulary: special ids, and per-piece facts (V,)."""

    cls_id: int
    sep_id: int
    mask_id: int
    word_starts: NDArray[np.bool_]  # (V,) does the piece begin a word
    ordinary_ids: NDArray[np.int64]  # pieces of text, no special ones

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """The facts about a tokenizer's vocabulary."""
        return cls(
            tokenizer.cls_id,
            tokenizer.sep_id,
            tokenizer.mask_id,
            tokenizer.word_starts,
            tokenizer.ordinary_ids,
        )
