"""Multi-head self-attention over either layout: one function, two backends.

Shapes: B sequences, T tokens, N tokens of a packed batch, A heads, D head size, H = A * D.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from litebert.encoder.layout import Layout, Packed

AttentionBackend = Literal["sdpa", "reference"]

# Added to the scores of padded keys. A finite constant, as in the original: in a sequence that is
# all padding the scores keep their differences.
MASKED_SCORE = -10000.0


def attend(
    qkv: Tensor,
    layout: Layout,
    heads: int,
    dropout: float = 0.0,
    backend: AttentionBackend = "sdpa",
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
    if backend == "sdpa":
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
    else:
        mixed = _reference(q, k, v, bias, dropout)
    return mixed.transpose(1, 2).reshape(B, T, width // 3)


def _reference(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: float) -> Tensor:
    """The definition, with the softmax in fp32; what every other backend is compared with."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # (B, A, T, T)
    if bias is not None:
        scores = scores + bias
    weights = scores.float().softmax(dim=-1).to(q.dtype)
    return F.dropout(weights, dropout) @ v
