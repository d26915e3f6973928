"""How many parameters a configuration or a model has, by part."""

from dataclasses import dataclass

import torch

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import Model, PretrainingModel

PARTS = {
    "embeddings": "encoder.embeddings.",
    "projection": "encoder.projection.",
    "attention": "encoder.attention.",
    "feed-forward": "encoder.ffn.",
    "pooler": "encoder.pooler.",
    "masked-LM head": "masked_lm.",
    "sentence-order head": "sentence_order.",
    "classifier": "classifier.",
    "span head": "span.",
    "answerable-span head": "answerable_span.",
}
ENCODER_PARTS = ("embeddings", "projection", "attention", "feed-forward")
_PRETRAINING_PARTS = (*ENCODER_PARTS, "pooler", "masked-LM head", "sentence-order head")


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
    return ParameterCounts(dict.fromkeys(_PRETRAINING_PARTS, 0) | parts_of(model))


def parts_of(model: Model) -> dict[str, int]:
    """Parameters of each part that a model has, in the order of PARTS."""
    prefix = "encoder." if isinstance(model, Encoder) else ""
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = part_of(prefix + name)
        counts[part] = counts.get(part, 0) + parameter.numel()
    return {part: counts[part] for part in PARTS if part in counts}


def part_of(parameter: str) -> str:
    """The part that a parameter belongs to, by its name in a model with a head."""
    return next(part for part, prefix in PARTS.items() if parameter.startswith(prefix))
