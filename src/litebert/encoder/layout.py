"""How tokens lie: padded to one length, or packed end to end without padding.

Only attention, positions and the choice of each sequence's first token care; every linear layer,
norm and head acts on the last axis of either.

Shapes: B sequences, T tokens of the longest, N real tokens of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

import torch
from torch import Tensor


@dataclass(frozen=True)
class Padded:
    """Tokens in a rectangle (B, T), padded on the right.

    `mask` (B, T) is 1 for real tokens and 0 for padding; None where nothing is padded.
    """

    mask: Tensor | None = None

    def positions(self, input_ids: Tensor) -> Tensor:
        """Position of each token in its sequence, (T,), to be broadcast over B."""
        return torch.arange(input_ids.shape[1], device=input_ids.device)

    def longest(self, input_ids: Tensor) -> int:
        """Tokens of the longest sequence."""
        return input_ids.shape[1]

    def first(self, hidden: Tensor) -> Tensor:
        """The hidden state of each sequence's first token, (B, H), of hidden states (B, T, H)."""
        return hidden[:, 0]


@dataclass(frozen=True)
class Packed:
    """Tokens of B sequences end to end (N,), with no padding between them.

    `lengths` gives each sequence's tokens. Neighbours of equal length are attended to in one call,
    so sequences sorted by length are fastest.
    """

    lengths: Sequence[int]

    def positions(self, input_ids: Tensor) -> Tensor:
        """Position of each token in its sequence, (N,)."""
        return torch.cat([torch.arange(n, device=input_ids.device) for n in self.lengths])

    def longest(self, input_ids: Tensor) -> int:
        """Tokens of the longest sequence."""
        return max(self.lengths)

    def first(self, hidden: Tensor) -> Tensor:
        """The hidden state of each sequence's first token, (B, H), of hidden states (N, H)."""
        return hidden[torch.tensor(self.starts, device=hidden.device)]

    @cached_property
    def starts(self) -> list[int]:
        """Where each sequence begins among the N tokens."""
        return [0, *accumulate(self.lengths)][:-1]

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Neighbours of equal length as (how many sequences, tokens of each)."""
        return [(len(list(group)), length) for length, group in groupby(self.lengths)]


Layout = Padded | Packed
