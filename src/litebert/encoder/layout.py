"""How tokens lie: padded to one length, or packed end to end without padding.

Only attention, positions and the choice of each sequence's first token care; every linear layer,
norm and head acts on the last axis of either.

Shapes: B sequences, T tokens of the longest, N real tokens of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, groupby

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LARGE_RUN = 2048  # tokens of equal length that are worth a call without a mask
SMALL_BLOCK = 1024  # rows under which padding is cheaper than another call
MOST_PADDING = 1.4  # rows a token in a larger block
WIDTH_STEP = 16


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

    def first(self, input_ids: Tensor) -> Tensor:
        """Where each sequence's first token (B,) is among all tokens, laid end to end."""
        B, T = input_ids.shape
        return torch.arange(0, B * T, T, device=input_ids.device)

    def rectangle(self, values: Tensor, fill: float, width: int = 0) -> Tensor:
        """Values of tokens (B, T, …), `fill` in place of padding, at least `width` tokens wide."""
        if self.mask is not None:
            padding = self.mask.reshape(*self.mask.shape, *[1] * (values.dim() - 2)) == 0
            values = values.masked_fill(padding, fill)
        missing = max(0, width - values.shape[1])
        return F.pad(values, (0, 0) * (values.dim() - 2) + (0, missing), value=fill)


@dataclass(frozen=True)
class Block:
    """Neighbouring sequences of a packed batch that are attended to at once, in one rectangle.

    `tokens` real tokens in `count` rows of `length`. Where the lengths differ, `places` (tokens,)
    says where each token goes in the flattened rectangle and `mask` (count, length) is 1 there;
    both are None where the tokens fill it.
    """

    count: int
    length: int
    tokens: int
    places: Tensor | None = None
    mask: Tensor | None = None

    def on(self, device: torch.device) -> "Block":
        """The same with its tensors on a device."""
        if self.places is None or self.mask is None:
            return self
        return replace(self, places=self.places.to(device), mask=self.mask.to(device))


@dataclass(frozen=True)
class Packed:
    """Tokens of B sequences end to end (N,), with no padding between them.

    `lengths` gives each sequence's tokens. Sequences sorted by length are fastest: neighbours of
    like length share one attention call.
    """

    lengths: Sequence[int]
    _placed: dict[torch.device, list[Block]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _bounds: dict[tuple[torch.device, int], Tensor] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def positions(self, input_ids: Tensor) -> Tensor:
        """Position of each token in its sequence, (N,)."""
        begun = np.repeat(self.starts, self.lengths)  # where each token's sequence begins
        return torch.from_numpy(np.arange(len(begun)) - begun).to(input_ids.device)

    def longest(self, input_ids: Tensor) -> int:
        """Tokens of the longest sequence."""
        return max(self.lengths)

    def first(self, input_ids: Tensor) -> Tensor:
        """Where each sequence's first token (B,) is among all tokens, laid end to end."""
        return torch.tensor(self.starts, device=input_ids.device)

    def rectangle(self, values: Tensor, fill: float, width: int = 0) -> Tensor:
        """Values of tokens (N, …) as (B, T, …), `fill` where there is no token.

        T is the longest sequence's length, or `width` where that is more.
        """
        T = max(*self.lengths, width)
        sizes = torch.tensor(self.lengths)
        mask = (torch.arange(T) < sizes[:, None]).to(values.device)  # (B, T)
        padded = values.new_full((len(self.lengths), T, *values.shape[1:]), fill)
        return padded.index_put((mask,), values)

    @cached_property
    def starts(self) -> list[int]:
        """Where each sequence begins among the N tokens."""
        return [0, *accumulate(self.lengths)][:-1]

    @cached_property
    def blocks(self) -> list[Block]:
        """The sequences in order, gathered into few rectangles with little padding."""
        groups: list[list[int]] = []
        open_group = False
        for length, run in groupby(self.lengths):
            count = len(list(run))
            if length * count >= LARGE_RUN:
                groups.append([length] * count)
                open_group = False
            elif open_group and _worth_merging(groups[-1], length, count):
                groups[-1] += [length] * count
            else:
                groups.append([length] * count)
                open_group = True
        return [_block(group) for group in groups]

    def bounds_on(self, device: torch.device, rows: int) -> Tensor:
        """Where each sequence begins and ends among `rows` rows, (B + 1,) in int32, on a device.

        Rows beyond the N tokens are a sequence of their own.
        """
        key = (device, rows)
        if key not in self._bounds:
            bounds = [0, *accumulate(self.lengths)]
            filled = [*bounds, rows] if rows > bounds[-1] else bounds
            self._bounds[key] = torch.tensor(filled, dtype=torch.int32).to(device)
        return self._bounds[key]

    def blocks_on(self, device: torch.device) -> list[Block]:
        """The blocks with their tensors on a device, copied there once for all depths."""
        if device not in self._placed:
            self._placed[device] = [block.on(device) for block in self.blocks]
        return self._placed[device]


Layout = Padded | Packed


def _worth_merging(group: list[int], length: int, count: int) -> bool:
    """Whether a run joins a group: padding stays small, absolutely or as a share of the tokens.

    For short sequences attention is a small part of the work, a call of its own is not.
    """
    rows = max(*group, length) * (len(group) + count)
    return rows <= SMALL_BLOCK or rows <= MOST_PADDING * (sum(group) + length * count)


def _block(lengths: list[int]) -> Block:
    count, tokens = len(lengths), sum(lengths)
    if len(set(lengths)) == 1:
        return Block(count, lengths[0], tokens)
    # Few different widths, so that the CPU's kernels, compiled for each shape, are reused.
    width = -(-max(lengths) // WIDTH_STEP) * WIDTH_STEP
    mask = torch.arange(width)[None, :] < torch.tensor(lengths)[:, None]
    return Block(count, width, tokens, mask.flatten().nonzero().flatten(), mask)
