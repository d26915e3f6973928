"""Multi-head self-attention over either layout: one function, three backends.

Shapes: B sequences, T tokens, N tokens of a packed batch, A heads, D head size, H = A * D.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from litebert.encoder.layout import Layout, Packed

AttentionBackend = Literal["auto", "sdpa", "products", "reference"]

# Added to the scores of padded keys. A finite constant, as in the original: in a sequence that is
# all padding the scores keep their differences.
MASKED_SCORE = -10000.0

# Up to this length, keeping the weights costs little memory and the CPU's products are faster than
# its fused kernel, whose backward in bf16 takes 3 to 5 times as long.
SHORT = 256


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
    if isinstance(layout, Packed):
        runs = layout.runs
        parts = torch.split(qkv, [count * length for count, length in runs])
        mixed = [
            _attend_rectangle(part.view(count, length, -1), None, heads, dropout, backend)
            for part, (count, length) in zip(parts, runs, strict=True)
        ]
        return torch.cat([part.flatten(0, 1) for part in mixed])
    bias = None
    if layout.mask is not None:
        bias = (1.0 - layout.mask[:, None, None, :].to(qkv.dtype)) * MASKED_SCORE  # (B, 1, 1, T)
    return _attend_rectangle(qkv, bias, heads, dropout, backend)


def _attend_rectangle(
    qkv: Tensor, bias: Tensor | None, heads: int, dropout: float, backend: AttentionBackend
) -> Tensor:
    """Attention over (B, T, 3H) with an additive bias on the scores."""
    B, T, width = qkv.shape
    q, k, v = qkv.view(B, T, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)  # (B, A, T, D)
    if backend == "auto":
        on_cpu = qkv.device.type == "cpu"
        short_bf16 = qkv.dtype == torch.bfloat16 and T <= SHORT
        backend = "products" if on_cpu and (short_bf16 or dropout > 0) else "sdpa"
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
