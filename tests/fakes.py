"""Small doubles and tiny models that tests share."""

from typing import Any

from litebert.encoder.config import EncoderConfig


def tiny_config(**changes: Any) -> EncoderConfig:
    """An encoder configuration small enough for tests of a few milliseconds."""
    tiny = {
        "vocab_size": 40,
        "embedding_size": 8,
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
    }
    return EncoderConfig.parse({**tiny, **changes})
