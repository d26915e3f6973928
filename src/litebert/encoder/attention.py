"""Multi-head self-attention over either layout: one function, several backends.

Shapes: B sequences, T tokens, N tokens of a packed batch, A heads, D head size, H = A * D.
"""

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from litebert.encoder.layout import Block, Layout, Packed
from litebert.encoder.products import MASKED_SCORE, attend_by_products

AttentionBackend = Literal["auto", "sdpa", "varlen", "products", "reference"]
_VARLEN_SINCE = (8, 0)  # the GPUs, by compute capability, that its kernel is written for
_VARLEN_HEAD = 256  # the widest head it takes


def attend(
    qkv: Tensor,
    layout: Layout,
    heads: int,
    dropout: float = 0.0,
    backend: AttentionBackend = "auto",
) -> Tensor:
    """Mix each token with the others of its sequence.

    `qkv` holds queries, keys and values side by side: (B, T, 3H) padded or (N, 3H) packed. Returns
    (B, T, H) or (N, H). `dropout` is the probability on the attention weights; pass 0 to evaluate.
    """
    if backend == "auto":
        backend = _fastest(qkv, layout, heads, dropout)
    if backend == "varlen" and isinstance(layout, Packed):
        return _attend_varlen(qkv, layout, heads)
    if backend == "products" and dropout == 0:
        if isinstance(layout, Packed):
            return attend_by_products(qkv, layout.blocks_on(qkv.device), heads)
        B, T, _ = qkv.shape
        block = Block(B, T, B * T, None, layout.mask)
        return attend_by_products(qkv.flatten(0, 1), [block], heads).view(B, T, -1)
    if isinstance(layout, Packed):
        blocks = layout.blocks_on(qkv.device)
        sizes = [block.tokens for block in blocks]
        parts = torch.split(qkv, [*sizes, qkv.shape[0] - sum(sizes)])
        mixed = [
            _attend_block(part, block, heads, dropout, backend)
            for part, block in zip(parts, blocks, strict=False)
        ]
        filler = parts[-1]  # rows beyond the N tokens belong to nobody and see nothing
        if len(filler):
            mixed.append(filler.new_zeros(len(filler), filler.shape[1] // 3))
        return torch.cat(mixed)
    bias = None if layout.mask is None else _score_bias(layout.mask, qkv.dtype)
    return _attend_rectangle(qkv, bias, heads, dropout, backend)


def _fastest(qkv: Tensor, layout: Layout, heads: int, dropout: float) -> AttentionBackend:
    """The CPU's fused kernel has no dropout, and a slow backward pass in bf16.

    On a GPU the kernel for packed sequences needs no rectangles, but has no dropout and no fp32.
    """
    low = qkv.dtype == torch.bfloat16
    if qkv.device.type == "cpu":
        return "products" if low or dropout > 0 else "sdpa"
    head = qkv.shape[-1] // 3 // heads
    fits = low and dropout == 0 and head % 8 == 0 and head <= _VARLEN_HEAD
    if isinstance(layout, Packed) and fits and qkv.device.type == "cuda":
        capable = torch.cuda.get_device_capability(qkv.device) >= _VARLEN_SINCE
        return "varlen" if capable else "sdpa"
    return "sdpa"


def _attend_varlen(qkv: Tensor, layout: Packed, heads: int) -> Tensor:
    """Attention over packed rows (N, 3H) in one call of the kernel that knows their bounds."""
    # Here, because importing it imports torch's compiler, which takes seconds.
    from torch.nn.attention.varlen import varlen_attn

    rows, width = qkv.shape
    q, k, v = qkv.view(rows, 3, heads, width // 3 // heads).unbind(1)  # (N, A, D)
    bounds = layout.bounds_on(qkv.device, rows)
    longest = max(*layout.lengths, rows - sum(layout.lengths))
    mixed = varlen_attn(q, k, v, bounds, bounds, longest, longest)
    assert isinstance(mixed, Tensor)
    return mixed.reshape(rows, width // 3)


def _attend_block(
    qkv: Tensor, block: Block, heads: int, dropout: float, backend: AttentionBackend
) -> Tensor:
    """Attention over one block of a packed batch: (tokens, 3H) to (tokens, H)."""
    shape = (block.count, block.length, qkv.shape[1])
    if block.places is None or block.mask is None:
        return _attend_rectangle(qkv.view(shape), None, heads, dropout, backend).flatten(0, 1)
    spread: Tensor = _Spread.apply(qkv, block.places, block.count * block.length)  # type: ignore[no-untyped-call]
    bias = _score_bias(block.mask, qkv.dtype)
    mixed = _attend_rectangle(spread.view(shape), bias, heads, dropout, backend)
    collected: Tensor = _Collect.apply(mixed.flatten(0, 1), block.places)  # type: ignore[no-untyped-call]
    return collected


def _score_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to the scores for a key mask (B, T): (B, 1, 1, T)."""
    return (1.0 - mask[:, None, None, :].to(dtype)) * MASKED_SCORE


def _attend_rectangle(
    qkv: Tensor, bias: Tensor | None, heads: int, dropout: float, backend: AttentionBackend
) -> Tensor:
    """Attention over (B, T, 3H) with an additive bias on the scores."""
    B, T, width = qkv.shape
    q, k, v = qkv.view(B, T, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)  # (B, A, T, D)
    if backend == "sdpa":
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
    else:
        mixed = _products(q, k, v, bias, dropout, wide_softmax=backend == "reference")
    return mixed.transpose(1, 2).reshape(B, T, width // 3)


def _products(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: float, wide_softmax: bool
) -> Tensor:
    """The definition as two matrix products, with a softmax whose sums are in fp32.

    With `wide_softmax` its results are fp32 too: the reference for every other backend.
    """
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.transpose(-1, -2)  # (B, A, T, T)
    if bias is not None:
        scores = scores + bias
    weights = (scores.float() if wide_softmax else scores).softmax(dim=-1).to(v.dtype)
    return (F.dropout(weights, dropout) if dropout > 0 else weights) @ v


class _Spread(torch.autograd.Function):
    """Rows (tokens, W) to their places in (rows, W), zero elsewhere.

    The places are distinct, which indexing's own backward cannot know: it adds, at many times the
    cost of this copy.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(places)
        return x.new_zeros(rows, x.shape[1]).index_copy_(0, places, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return grad.index_select(0, places), None, None


class _Collect(torch.autograd.Function):
    """The rows at the places, (rows, W) to (tokens, W): the reverse of `_Spread`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.rows = x.shape[0]
        return x.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        return grad.new_zeros(ctx.rows, grad.shape[1]).index_copy_(0, places, grad), None
