"""The encoder together with its heads: for pretraining, and for classification.

Shapes: B sequences, T tokens, M masked positions, H hidden, V vocabulary, C classes.
"""

import torch
from torch import Tensor, nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder, initialise
from litebert.encoder.heads import Classifier, MaskedLMHead
from litebert.encoder.layout import Layout


class PretrainingModel(nn.Module):
    """Encoder, masked-LM head (decoder tied to the word embeddings) and sentence-order head.

    Builds on the meta device. Source: the original's run_pretraining.py.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.masked_lm = MaskedLMHead(config)
        self.sentence_order = nn.Linear(config.hidden_size, 2)
        initialise(self.masked_lm, config.initializer_range)
        initialise(self.sentence_order, config.initializer_range)

    def forward(
        self, input_ids: Tensor, segment_ids: Tensor, layout: Layout, masked_positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Masked-LM logits (M, V) in the layers' precision, sentence-order logits (B, 2) in fp32.

        `masked_positions` (M,) index the batch's tokens laid end to end, padding included.
        """
        sequence, pooled, _ = self.encoder.encode(input_ids, segment_ids, layout)
        hidden = sequence.reshape(-1, sequence.shape[-1])[masked_positions]  # (M, H)
        return self.masked_lm_logits(hidden), self.sentence_order(pooled)

    def masked_lm_logits(self, hidden: Tensor) -> Tensor:
        """Hidden states of masked positions (M, H) to logits over the vocabulary (M, V)."""
        logits: Tensor = self.masked_lm(hidden, self.encoder.embeddings.word.weight)
        return logits

    def masked_lm_log_probs(self, sequence: Tensor, positions: Tensor) -> Tensor:
        """Log-probabilities at `positions` (B, M) of a padded sequence output (B, T, H).

        Returns (B * M, V), sequence by sequence, as the original's get_masked_lm_output does.
        """
        rows = torch.arange(sequence.shape[0], device=sequence.device)[:, None]
        hidden = sequence[rows, positions].flatten(0, 1)
        return self.masked_lm_logits(hidden).float().log_softmax(dim=-1)

    def sentence_order_log_probs(self, pooled: Tensor) -> Tensor:
        """Log-probabilities (B, 2) of 'in order' and 'swapped' from pooled vectors (B, H)."""
        log_probs: Tensor = self.sentence_order(pooled).log_softmax(dim=-1)
        return log_probs


class ClassificationModel(nn.Module):
    """Encoder and a classifier on the pooled vector. Source: the original's run_classifier.py."""

    def __init__(self, config: EncoderConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.classifier = Classifier(config, classes)
        initialise(self.classifier, config.initializer_range)

    def forward(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """Token ids (B, T) padded or (N,) packed to logits (B, C) in fp32."""
        logits: Tensor = self.classifier(self.encoder.encode(input_ids, segment_ids, layout).pooled)
        return logits
