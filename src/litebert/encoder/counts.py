"""How many parameters a configuration has, by part, counted on the meta device."""

from dataclasses import dataclass

import torch

from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import PretrainingModel

PARTS = {
    "embeddings": "encoder.embeddings.",
    "projection": "encoder.projection.",
    "attention": "encoder.attention.",
    "feed-forward": "encoder.ffn.",
    "pooler": "encoder.pooler.",
    "masked-LM head": "masked_lm.",
    "sentence-order head": "sentence_order.",
}
ENCODER_PARTS = ("embeddings", "projection", "attention", "feed-forward")


@dataclass(frozen=True)
class ParameterCounts:
    """Parameters of each part; a shared part counts once."""

    parts: dict[str, int]

    @property
    def encoder(self) -> int:
        """Embeddings, projection and layers, which is what the paper counts for BERT."""
        return sum(self.parts[name] for name in ENCODER_PARTS)

    @property
    def backbone(self) -> int:
        """The encoder with its pooler."""
        return self.encoder + self.parts["pooler"]

    @property
    def pretraining(self) -> int:
        """The backbone with both pretraining heads."""
        return sum(self.parts.values())


def count_parameters(config: EncoderConfig) -> ParameterCounts:
    """Count by building the model on the meta device, which takes no memory for weights."""
    with torch.device("meta"):
        model = PretrainingModel(config)
    parts = dict.fromkeys(PARTS, 0)
    for name, parameter in model.named_parameters():
        part = next(part for part, prefix in PARTS.items() if name.startswith(prefix))
        parts[part] += parameter.numel()
    return ParameterCounts(parts)
