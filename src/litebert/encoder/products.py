"""Attention as a few batched matrix products, written for the CPU: forward and backward by hand.

torch's fused kernel takes several times as long for the backward pass in bf16. Here the weights of
short sequences are kept; those of long ones, which would fill the memory, are made again. A few
sequences are done at a time, so that their scores stay in the cache.

Shapes: N rows of the batch, b sequences done at once, T tokens, A heads, D head size, H = A * D.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.encoder.layout import Block

# Added to the scores of padded keys. A finite constant, as in the original: in a sequence that is
# all padding the scores keep their differences.
MASKED_SCORE = -10000.0
# Up to this length the weights take less memory than what else a layer keeps.
SHORT = 256
_CACHED_SCORES = 1 << 22


def attend_by_products(qkv: Tensor, blocks: Sequence[Block], heads: int) -> Tensor:
    """Rows (N, 3H) of queries, keys and values, which the blocks divide up, to mixed rows (N, H).

    Rows after the last block's stay zero. Softmax and its sums are in fp32; weights and scores have
    the type of the rows.
    """
    mixed: Tensor = _Products.apply(qkv, blocks, heads)  # type: ignore[no-untyped-call]
    return mixed


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, blocks: Sequence[Block], heads: int) -> Tensor:
        mixed = qkv.new_zeros(len(qkv), qkv.shape[1] // 3)
        kept: list[Tensor] = []
        for part in _parts(blocks, heads):
            rectangle = part.rectangle(qkv).view(part.sequences, part.length, 3, heads, -1)
            q, k, v = (_heads_first(rectangle[:, :, i]) for i in range(3))
            weights = _weights(q, k, part.mask)
            part.put(_tokens_first(weights @ v, part.sequences), mixed)
            if part.length <= SHORT and ctx.needs_input_grad[0]:
                kept.append(weights)
        ctx.save_for_backward(qkv, *kept)
        ctx.blocks, ctx.heads = blocks, heads
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        qkv, *kept = ctx.saved_tensors
        qkv_grad = torch.zeros_like(qkv)
        for part in _parts(ctx.blocks, ctx.heads):
            rectangle = part.rectangle(qkv).view(part.sequences, part.length, 3, ctx.heads, -1)
            q, k, v = (_heads_first(rectangle[:, :, i]) for i in range(3))
            weights = kept.pop(0) if part.length <= SHORT else _weights(q, k, part.mask)
            upstream = part.rectangle(grad).view(part.sequences, part.length, ctx.heads, -1)
            upstream = _heads_first(upstream)
            slope = upstream @ v.transpose(1, 2)
            # Of the scores, in place: each number is read before it is written.
            torch._softmax_backward_data(slope, weights, -1, slope.dtype, grad_input=slope)
            scale = 1 / math.sqrt(q.shape[-1])
            grads = (
                _scaled_product(slope, k, scale),
                _scaled_product(slope.transpose(1, 2), q, scale),
                weights.transpose(1, 2) @ upstream,
            )
            together = rectangle.new_empty(rectangle.shape)  # (b, T, 3, A, D)
            for i, values in enumerate(grads):
                together[:, :, i] = _tokens_first(values, part.sequences)
            part.put(together, qkv_grad)
        return qkv_grad, None, None


class _Part(NamedTuple):
    """Some sequences of a block: b rows of `length`, and where their tokens lie."""

    sequences: int
    length: int
    rows: slice
    """Of the batch."""
    places: Tensor | None
    """Where each row goes in the flattened rectangle (b * T,); None where they fill it."""
    mask: Tensor | None
    """(b, T), 1 for tokens."""

    def rectangle(self, values: Tensor) -> Tensor:
        """The tokens' rows of `values` (N, W) in a rectangle (b * T, W)."""
        rows = values[self.rows]
        if self.places is None:
            return rows
        return rows.new_zeros(self.sequences * self.length, rows.shape[1]).index_copy_(
            0, self.places, rows
        )

    def put(self, values: Tensor, target: Tensor) -> None:
        """The reverse: values (b, T, ...) to the tokens' rows of a target (N, W)."""
        rows = target[self.rows]
        if self.places is None:
            rows.view(values.shape).copy_(values)
        else:
            flat = values.reshape(self.sequences * self.length, -1)
            torch.index_select(flat, 0, self.places, out=rows)


def _parts(blocks: Sequence[Block], heads: int) -> Iterator[_Part]:
    """The blocks, cut where their scores would not stay in the cache."""
    start = 0
    for block in blocks:
        most = max(1, _CACHED_SCORES // (heads * block.length**2))
        if block.count <= most:
            rows = slice(start, start + block.tokens)
            yield _Part(block.count, block.length, rows, block.places, block.mask)
        else:
            yield from _cut(block, start, most)
        start += block.tokens


def _cut(block: Block, start: int, most: int) -> Iterator[_Part]:
    """A block whose rows begin at `start`, `most` sequences at a time."""
    T = block.length
    lengths = [T] * block.count
    if block.places is not None and block.mask is not None:
        lengths = [int(length) for length in block.mask.sum(1).tolist()]
    taken = 0  # tokens
    for first in range(0, block.count, most):
        count, tokens = len(lengths[first : first + most]), sum(lengths[first : first + most])
        places = block.places
        if places is not None:
            places = places[taken : taken + tokens] - first * T
        mask = None if block.mask is None else block.mask[first : first + most]
        yield _Part(count, T, slice(start + taken, start + taken + tokens), places, mask)
        taken += tokens


def _weights(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    """Attention weights (b * A, T, T) of queries and keys (b * A, T, D) and a key mask (b, T)."""
    scores = _scaled_product(q, k.transpose(1, 2), 1 / math.sqrt(q.shape[-1]))
    if mask is not None:
        bias = (1.0 - mask[:, None, None, :].to(q.dtype)) * MASKED_SCORE  # (b, 1, 1, T)
        scores.view(len(mask), -1, *scores.shape[1:]).add_(bias)
    torch.softmax(scores, -1, out=scores)
    return scores


def _scaled_product(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """scale · a @ b of two batches of matrices, in one operation."""
    nothing = a.new_empty(())
    return torch.baddbmm(nothing, a, b, beta=0, alpha=scale)


def _heads_first(x: Tensor) -> Tensor:
    """(b, T, A, D) to (b * A, T, D)."""
    return x.transpose(1, 2).flatten(0, 1)


def _tokens_first(x: Tensor, count: int) -> Tensor:
    """(b * A, T, D) of `count` sequences to (b, T, A, D)."""
    return x.view(count, -1, *x.shape[1:]).transpose(1, 2)
