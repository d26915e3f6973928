"""The two halves of a transformer layer, post-layer-norm, as in the original's modeling.py.

Each half owns the layer norm that follows it (paper Table 4: with attention-only sharing, the
attention's norm is shared with it). Both act on hidden states (..., H) of any layout.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from litebert.encoder.activations import ACTIVATIONS
from litebert.encoder.attention import AttentionBackend, attend
from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Layout
from litebert.encoder.precision import Affine, residual_norm


class AttentionWeights(NamedTuple):
    """An attention block's weights, fused and cast once per forward."""

    qkv: Affine
    output: Affine


class AttentionBlock(nn.Module):
    """Self-attention, output projection, dropout, residual, layer norm."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        H = config.hidden_size
        self.heads = config.num_attention_heads
        self.weight_dropout = config.attention_probs_dropout_prob
        self.output_dropout = config.hidden_dropout_prob
        # Separate parameters, because LAMB's trust ratio is taken per matrix.
        self.query = nn.Linear(H, H)
        self.key = nn.Linear(H, H)
        self.value = nn.Linear(H, H)
        self.output = nn.Linear(H, H)
        self.norm = nn.LayerNorm(H, eps=config.layer_norm_eps)

    def prepare(self, dtype: torch.dtype) -> AttentionWeights:
        """Fuse and cast the weights for one forward."""
        qkv = Affine.of([self.query, self.key, self.value], dtype)
        return AttentionWeights(qkv, Affine.of([self.output], dtype))

    def forward(
        self,
        x: Tensor,
        weights: AttentionWeights,
        layout: Layout,
        backend: AttentionBackend,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (..., H) to (..., H), or to (K, H) of the `wanted` (K,) tokens alone.

        `wanted` counts tokens laid end to end.
        """
        dropout = self.weight_dropout if self.training else 0.0
        mixed = attend(weights.qkv(x), layout, self.heads, dropout, backend)
        if wanted is not None:
            mixed = mixed.flatten(0, -2).index_select(0, wanted)
            x = x.flatten(0, -2).index_select(0, wanted)
        out = F.dropout(weights.output(mixed), self.output_dropout, self.training)
        return residual_norm(out, x, self.norm)


class FeedForwardWeights(NamedTuple):
    """A feed-forward block's weights, cast once per forward."""

    intermediate: Affine
    output: Affine


class FeedForwardBlock(nn.Module):
    """H → F → H with an activation between, dropout, residual, layer norm."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[config.hidden_act]
        self.dropout = config.hidden_dropout_prob
        self.intermediate = nn.Linear(config.hidden_size, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def prepare(self, dtype: torch.dtype) -> FeedForwardWeights:
        """Cast the weights for one forward."""
        return FeedForwardWeights(
            Affine.of([self.intermediate], dtype), Affine.of([self.output], dtype)
        )

    def forward(self, x: Tensor, weights: FeedForwardWeights) -> Tensor:
        """Hidden states (..., H) to (..., H)."""
        inner = self.activation(weights.intermediate(x))  # (..., F)
        out = F.dropout(weights.output(inner), self.dropout, self.training)
        return residual_norm(out, x, self.norm)
