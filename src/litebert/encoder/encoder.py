"""The ALBERT encoder: factorised embeddings, layers that share parameters over depth, a pooler.

Exactly the original's modeling.py, for either layout. BERT is the same encoder with other
settings: no sharing, and embeddings as wide as the hidden states.

Shapes: B sequences, T tokens, N tokens of a packed batch, E embedding, H hidden, L depth.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from litebert.encoder.attention import AttentionBackend
from litebert.encoder.config import EncoderConfig
from litebert.encoder.layer import AttentionBlock, FeedForwardBlock
from litebert.encoder.layout import Layout, Packed, Padded
from litebert.encoder.precision import Affine, layer_norm
from litebert.foundation.errors import DataError

# Packed rows are filled up to a multiple: the CPU compiles a bf16 kernel for each number of rows,
# and a GPU chooses one for it, and memory, anew.
ROW_STEP = 64


class EncoderOutput(NamedTuple):
    """What the encoder makes of a batch.

    `sequence`: hidden states of the last depth, (B, T, H) or packed (N, H). `pooled`: (B, H) in
    fp32, None where the model has no pooler. `layers`: the output of every layer application,
    L * inner_group_num of them, if asked.
    """

    sequence: Tensor
    pooled: Tensor | None
    layers: tuple[Tensor, ...] | None = None


class Embeddings(nn.Module):
    """Word, segment and position embeddings, added in E space, then layer norm and dropout."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        E = config.embedding_size
        self.word = _table(config.vocab_size, E)
        self.token_type = _table(config.type_vocab_size, E)
        self.position = _table(config.max_position_embeddings, E)
        self.norm = nn.LayerNorm(E, eps=config.layer_norm_eps)
        self.dropout = config.hidden_dropout_prob

    def forward(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """Token ids (B, T) or (N,) to embeddings (..., E). Segment ids default to 0."""
        if segment_ids is None:
            segment_ids = torch.zeros_like(input_ids)
        summed = self.word(input_ids) + self.token_type(segment_ids)
        summed = summed + self.position(layout.positions(input_ids))
        return F.dropout(layer_norm(summed, self.norm), self.dropout, self.training)


class Encoder(nn.Module):
    """Token ids to contextual hidden states.

    `compute_dtype` (fp32 or bf16) is the precision of the layers; parameters, norms, softmax and
    pooler stay in fp32. With `recompute` set, training keeps each layer's input alone and makes the
    rest again in the backward pass: the same numbers in less memory and more time. Builds on the
    meta device. Models that look at tokens alone do without a pooler.
    """

    def __init__(self, config: EncoderConfig, pooler: bool = True) -> None:
        super().__init__()
        self.config = config
        self.compute_dtype = torch.float32
        self.attention_backend: AttentionBackend = "auto"
        self.recompute = False
        H = config.hidden_size
        self.embeddings = Embeddings(config)
        self.projection = (
            nn.Linear(config.embedding_size, H) if config.embedding_size != H else None
        )
        self.attention = _sets(AttentionBlock, config, config.sharing in ("all", "attention"))
        self.ffn = _sets(FeedForwardBlock, config, config.sharing in ("all", "ffn"))
        self.pooler = nn.Linear(H, H) if pooler else None
        initialise(self, config.initializer_range)

    def attention_set(self, depth: int) -> int:
        """Which set of attention parameters depth 0 … L-1 uses."""
        shared = self.config.sharing in ("all", "attention")
        return self.config.group(depth) if shared else depth

    def ffn_set(self, depth: int) -> int:
        """Which set of feed-forward parameters depth 0 … L-1 uses."""
        return self.config.group(depth) if self.config.sharing in ("all", "ffn") else depth

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        segment_ids: Tensor | None = None,
        all_layers: bool = False,
    ) -> EncoderOutput:
        """Encode a padded batch: ids (B, T); mask 1 for real tokens; segment ids 0 or 1.

        Raises DataError when T exceeds max_position_embeddings.
        """
        return self.encode(input_ids, segment_ids, Padded(attention_mask), all_layers)

    def encode(
        self,
        input_ids: Tensor,
        segment_ids: Tensor | None,
        layout: Layout,
        all_layers: bool = False,
        wanted: Tensor | None = None,
    ) -> EncoderOutput:
        """Encode tokens that lie as `layout` says: ids (B, T) padded or (N,) packed.

        `wanted` (K,) counts tokens laid end to end: only these are asked for, `sequence` is (K, H),
        and the last layer works after its attention for them alone. `pooled` comes as ever.
        """
        assert wanted is None or not all_layers
        x = self._first_input(input_ids, segment_ids, layout)
        firsts = layout.first(input_ids)
        rows = None if wanted is None else self.filled(torch.cat([wanted, firsts]))
        layers: list[Tensor] = []
        applied = self._prepared_layers()
        for number, parts in enumerate(applied, 1):
            some = rows if number == len(applied) else None
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(self._layer, x, parts, layout, some, use_reentrant=False)
            else:
                x = self._layer(x, parts, layout, some)
            if all_layers:
                layers.append(x[: input_ids.shape[0]])
        if wanted is None:
            x = x[: input_ids.shape[0]]
            first = x.flatten(0, -2).index_select(0, firsts)
        else:
            end = len(wanted) + len(firsts)
            x, first = x[: len(wanted)], x[len(wanted) : end]
        pooled = None
        if self.pooler is not None:
            pooled = torch.tanh(self.pooler(first.float()))  # (B, H)
        return EncoderOutput(x, pooled, tuple(layers) if all_layers else None)

    def embed(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """What the first layer reads: embeddings as wide as the hidden states, (..., H)."""
        return self._first_input(input_ids, segment_ids, layout)[: input_ids.shape[0]]

    def filled(self, x: Tensor) -> Tensor:
        """Rows (N, ...) with zeros after them, as many as the products in bf16 want."""
        if self.compute_dtype != torch.bfloat16:
            return x
        missing = -len(x) % row_step(len(x), x.device.type)
        return F.pad(x, (*[0, 0] * (x.dim() - 1), 0, missing))

    def _first_input(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """The same with the rows that `encode` fills up with."""
        limit = self.config.max_position_embeddings
        if (longest := layout.longest(input_ids)) > limit:
            raise DataError(
                f"a sequence of {longest} tokens is longer than the {limit} this model takes: "
                "cut it or split it"
            )
        dtype = self.compute_dtype
        x: Tensor = self.embeddings(input_ids, segment_ids, layout).to(dtype)  # (..., E)
        if isinstance(layout, Packed):
            x = self.filled(x)
        if self.projection is not None:
            x = Affine.of([self.projection], dtype)(x)  # (..., H)
        return x

    def _layer(
        self, x: Tensor, parts: tuple[Any, Any, Any, Any], layout: Layout, wanted: Tensor | None
    ) -> Tensor:
        """One application of a layer, its parts as `_prepared_layers` gives them."""
        attend, attention_weights, feed_forward, ffn_weights = parts
        x = attend(x, attention_weights, layout, self.attention_backend, wanted)
        fed: Tensor = feed_forward(x, ffn_weights)
        return fed

    def _prepared_layers(self) -> list[tuple[Any, Any, Any, Any]]:
        """The blocks in the order they are applied, each followed by its weights.

        Each set is fused and cast once, then applied at every depth that shares it.
        """
        attention = _prepared(self.attention, self.compute_dtype)
        ffn = _prepared(self.ffn, self.compute_dtype)
        return [
            (*mixing, *feeding)
            for depth in range(self.config.num_hidden_layers)
            for mixing, feeding in zip(
                attention[self.attention_set(depth)], ffn[self.ffn_set(depth)], strict=True
            )
        ]


def row_step(rows: int, device: str) -> int:
    """The multiple that so many packed rows are filled up to.

    A GPU does a few more rows at no cost to speak of, so there it grows with them: at most a
    sixteenth is added beyond ROW_STEP.
    """
    return ROW_STEP if device == "cpu" else max(ROW_STEP, 2 ** rows.bit_length() // 32)


def initialise(module: nn.Module, deviation: float) -> None:
    """Initialise in place as the original does.

    | parameter | distribution |
    |---|---|
    | kernels and embedding tables | normal(0, deviation), cut at two deviations |
    | layer-norm weights | 1 |
    | biases | 0 |
    """
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 1:
            nn.init.ones_(parameter)
        else:
            nn.init.trunc_normal_(parameter, 0.0, deviation, -2 * deviation, 2 * deviation)


def _table(rows: int, width: int) -> nn.Embedding:
    """An embedding table to be initialised; nn.Embedding's own draws would be thrown away."""
    return nn.Embedding(rows, width, _weight=torch.empty(rows, width))


def _sets(
    block: type[AttentionBlock] | type[FeedForwardBlock], config: EncoderConfig, shared: bool
) -> nn.ModuleList:
    """The sets of parameters of one half of the layers: a set per group, or one per depth."""
    count = config.num_hidden_groups if shared else config.num_hidden_layers
    return nn.ModuleList(
        nn.ModuleList(block(config) for _ in range(config.inner_group_num)) for _ in range(count)
    )


def _prepared(sets: nn.ModuleList, dtype: torch.dtype) -> list[list[tuple[Any, Any]]]:
    """Each block of each set beside its weights, fused and cast for one forward."""
    modules: list[list[Any]] = [list(blocks.children()) for blocks in sets]
    return [[(block, block.prepare(dtype)) for block in blocks] for blocks in modules]
