"""Heads on top of the encoder, as in the original's run_pretraining, run_classifier and run_squad.

Shapes: M masked positions, V vocabulary, E embedding, H hidden, B sequences, T tokens, C classes,
K starts that are followed.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from litebert.encoder.activations import ACTIVATIONS
from litebert.encoder.config import EncoderConfig
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
    """Dropout on vectors (..., H), pooled ones or those of tokens, then a linear layer to C."""

    def __init__(self, config: EncoderConfig, classes: int) -> None:
        super().__init__(config.hidden_size, classes)
        self.dropout = config.classifier_dropout_prob

    def forward(self, vectors: Tensor) -> Tensor:
        """(..., H) to logits (..., C) in fp32."""
        return super().forward(F.dropout(vectors.float(), self.dropout, self.training))


class AnswerableSpanHead(nn.Module):
    """Start, end given the start, and whether there is no answer: the head of SQuAD 2.0.

    Works on padded sequences (B, T, H). `outside` (B, T) is 1 where no answer can lie: question,
    separators and padding; [CLS] is allowed and stands for no answer.
    Source: run_squad_v2.py (squad_utils.get_dict and create_v2_model), XLNet's before it.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        H = config.hidden_size
        self.dropout = config.classifier_dropout_prob
        self.start = nn.Linear(H, 1)
        self.end_hidden = nn.Linear(2 * H, H)
        self.end_norm = nn.LayerNorm(H, eps=config.layer_norm_eps)
        self.end = nn.Linear(H, 1)
        self.answer_hidden = nn.Linear(2 * H, H)
        self.answer = nn.Linear(H, 1, bias=False)

    def start_log_probs(self, sequence: Tensor, outside: Tensor) -> Tensor:
        """Log-probability (B, T) that the answer starts at a token."""
        return _masked(self.start(sequence).squeeze(-1), outside).log_softmax(dim=-1)

    def end_log_probs(self, sequence: Tensor, outside: Tensor, starts: Tensor) -> Tensor:
        """Log-probability (B, K, T) that the answer ends at a token, by starts (B, K).

        The layer over token and start is applied to both apart and added: the tokens' half is the
        same for all starts, which are followed one after the other, in the memory of one.
        """
        H = sequence.shape[-1]
        of_token, of_start = self.end_hidden.weight[:, :H], self.end_hidden.weight[:, H:]
        tokens = F.linear(sequence, of_token, self.end_hidden.bias)  # (B, T, H)
        begun = F.linear(_rows(sequence, starts), of_start)  # (B, K, H)
        logits = [self._end_logits(tokens + start[:, None]) for start in begun.unbind(1)]
        return _masked(torch.stack(logits, dim=1), outside[:, None]).log_softmax(dim=-1)

    def unanswerable(self, sequence: Tensor, start_log_probs: Tensor) -> Tensor:
        """Logit (B,) that the question has no answer in this sequence."""
        summary = torch.einsum("bt,bth->bh", start_log_probs.exp(), sequence)
        vector = torch.cat([summary, sequence[:, 0]], dim=-1)  # (B, 2H)
        hidden = torch.tanh(self.answer_hidden(vector))
        logits: Tensor = self.answer(F.dropout(hidden, self.dropout, self.training))
        return logits.squeeze(-1)

    def _end_logits(self, hidden: Tensor) -> Tensor:
        """(B, T, H) to (B, T)."""
        logits: Tensor = self.end(layer_norm(torch.tanh(hidden), self.end_norm))
        return logits.squeeze(-1)


def answers_outside(segments: Tensor) -> Tensor:
    """Where no answer can lie (B, T), from segment ids that are 0 in padding (B, T).

    1 but for [CLS] and the tokens of the second segment before its final [SEP].
    """
    followed = F.pad(segments[:, 1:], (0, 1))  # the segment of the token after each
    outside = 1 - (segments * followed).float()
    outside[:, 0] = 0
    return outside


def _masked(logits: Tensor, outside: Tensor) -> Tensor:
    return logits * (1 - outside) - 1e30 * outside


def _rows(sequence: Tensor, positions: Tensor) -> Tensor:
    """The vectors (B, K, H) of a sequence (B, T, H) at `positions` (B, K)."""
    return sequence.gather(1, positions[..., None].expand(-1, -1, sequence.shape[-1]))
