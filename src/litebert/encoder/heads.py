"""Heads on top of the encoder, as in the original's run_pretraining.py and run_classifier.py.

Shapes: M masked positions, V vocabulary, E embedding, H hidden, B sequences, C classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.layer import ACTIVATIONS
from litebert.encoder.precision import Affine, layer_norm


class MaskedLMHead(nn.Module):
    """Hidden states of the masked positions to scores over the vocabulary.

    H → E, activation, layer norm, then the transposed word embeddings and a bias.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        E = config.embedding_size
        self.activation = ACTIVATIONS[config.hidden_act]
        self.dense = nn.Linear(config.hidden_size, E)
        self.norm = nn.LayerNorm(E, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden: Tensor, word_embeddings: Tensor) -> Tensor:
        """(M, H) and the tied table (V, E) to logits (M, V), in the type of `hidden`."""
        dtype = hidden.dtype
        x = layer_norm(self.activation(Affine.of([self.dense], dtype)(hidden)), self.norm)
        return Affine.from_tensors(word_embeddings, self.bias, dtype)(x)


class Classifier(nn.Linear):
    """Dropout on the pooled vector (B, H), then a linear layer to logits (B, C)."""

    def __init__(self, config: EncoderConfig, classes: int) -> None:
        super().__init__(config.hidden_size, classes)
        self.dropout = config.classifier_dropout_prob

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, H) to logits (B, C)."""
        return super().forward(F.dropout(pooled, self.dropout, self.training))
