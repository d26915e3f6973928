"""The encoder's configuration, under the published ALBERT field names, and its presets as literals.

Sources: paper Tables 1 and 4; the original's modeling.py and its published configurations.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from litebert.foundation.errors import ConfigError, nearest
from litebert.foundation.settings import Settings

Sharing = Literal["all", "attention", "ffn", "none"]
Activation = Literal["gelu", "gelu_erf", "relu", "tanh", "linear"]


class EncoderConfig(Settings):
    """Everything that determines an encoder's parameters and mathematics.

    The defaults are albert-base-v2. Raises ConfigError (through `parse` and `preset`) when fields
    contradict each other.
    """

    vocab_size: int = Field(30000, ge=5)
    """Number of pieces in the vocabulary (V)."""
    embedding_size: int = Field(128, ge=1)
    """Width of the factorised embeddings (E); no projection exists where it equals hidden_size."""
    hidden_size: int = Field(768, ge=1)
    """Width of the hidden states (H)."""
    num_hidden_layers: int = Field(12, ge=1)
    """Depth: how many times a layer is applied (L)."""
    num_hidden_groups: int = Field(1, ge=1)
    """How many sets of parameters the depths share (G)."""
    inner_group_num: int = Field(1, ge=1)
    """Layers run in sequence at each depth (I)."""
    num_attention_heads: int = Field(12, ge=1)
    """Attention heads (A); hidden_size must be a multiple."""
    intermediate_size: int = Field(3072, ge=1)
    """Width of the feed-forward block (F)."""
    hidden_act: Activation = "gelu"
    """Activation; "gelu" is the tanh approximation, as in the original; "gelu_erf" is exact."""
    hidden_dropout_prob: float = Field(0.0, ge=0, lt=1)
    """Dropout after the embeddings, the attention output and the feed-forward output."""
    attention_probs_dropout_prob: float = Field(0.0, ge=0, lt=1)
    """Dropout on the attention probabilities."""
    classifier_dropout_prob: float = Field(0.1, ge=0, lt=1)
    """Dropout on the pooled vector before a task's classifier."""
    max_position_embeddings: int = Field(512, ge=1)
    """The longest sequence, in tokens."""
    type_vocab_size: int = Field(2, ge=1)
    """Number of segment ids."""
    initializer_range: float = Field(0.02, gt=0)
    """Standard deviation of the truncated normal that initialises weights."""
    layer_norm_eps: float = Field(1e-12, gt=0)
    """Added to the variance in every layer norm."""
    sharing: Sharing = "all"
    """Which parameters the depths share (paper Table 4)."""
    family: Literal["albert", "bert"] = "albert"
    """Whose names the model folder uses, so that transformers loads it."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )
        if self.num_hidden_groups > self.num_hidden_layers:
            raise ValueError(
                f"num_hidden_groups {self.num_hidden_groups} exceeds "
                f"num_hidden_layers {self.num_hidden_layers}"
            )
        as_bert = self.sharing == "none" and self.embedding_size == self.hidden_size
        if self.family == "bert" and not (as_bert and self.inner_group_num == 1):
            raise ValueError(
                'family "bert" needs sharing "none", embedding_size equal to hidden_size, '
                "and inner_group_num 1"
            )
        return self

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A published configuration by its exact name, with fields replaced by `changes`.

        Raises ConfigError for an unknown preset (naming the nearest), field or value.
        """
        if name not in PRESETS:
            raise ConfigError(f'unknown preset "{name}", {nearest(name, PRESETS)}')
        return cls.parse({**PRESETS[name], **changes}, where=f"preset {name}")

    def group(self, depth: int) -> int:
        """The group that depth 0 … L-1 belongs to, by the original's floating-point rule."""
        return int(depth / self.num_hidden_layers * self.num_hidden_groups)


# The released xlarge has 16 heads of 128, not the 32 of 64 that the paper's rule would give.
# v1 trains with dropout 0.1 except xxlarge; v2 has none. BERT is the paper's compared system:
# the same encoder without sharing or factorisation, on the 30,000-piece vocabulary.
PRESETS: dict[str, dict[str, Any]] = {
    "albert-base-v1": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-large-v1": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-xlarge-v1": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 2048,
        "num_hidden_layers": 24,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 16,
        "intermediate_size": 8192,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-xxlarge-v1": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 4096,
        "num_hidden_layers": 12,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 64,
        "intermediate_size": 16384,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-base-v2": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-large-v2": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-xlarge-v2": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 2048,
        "num_hidden_layers": 24,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 16,
        "intermediate_size": 8192,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "albert-xxlarge-v2": {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 4096,
        "num_hidden_layers": 12,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 64,
        "intermediate_size": 16384,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "all",
        "family": "albert",
    },
    "bert-base": {
        "vocab_size": 30000,
        "embedding_size": 768,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "none",
        "family": "bert",
    },
    "bert-large": {
        "vocab_size": 30000,
        "embedding_size": 1024,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "none",
        "family": "bert",
    },
    "bert-xlarge": {
        "vocab_size": 30000,
        "embedding_size": 2048,
        "hidden_size": 2048,
        "num_hidden_layers": 24,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 32,
        "intermediate_size": 8192,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "sharing": "none",
        "family": "bert",
    },
}
