"""Pure losses on tensors. Each returns a sum and a count, so that the caller divides by the weight
of the whole batch, however many micro-batches it came in.

Shapes: B sequences, M masked positions, V vocabulary, C classes. Computed in float32 whatever the
precision of the logits.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def masked_lm_sum(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masked-LM loss: logits (M, V) at the masked positions, labels (M,) the original ids.

    Returns the summed negative log-likelihood in nats and how many positions are right.
    Source: run_pretraining.py, get_masked_lm_output (which divides by the sum of weights + 1e-5).
    """
    return classification_sum(logits, labels)


def sentence_sum(logits: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Sentence-pair loss: logits (B, 2), labels (B,) 0 in order or 1 not, weights (B,) 0 or 1.

    Returns the weighted sum of the negative log-likelihood and how many weighted pairs are right.
    Source: run_pretraining.py, get_sentence_order_output (there every weight is 1).
    """
    losses = F.cross_entropy(logits.float(), labels, reduction="none")
    right = logits.detach().argmax(-1) == labels
    return (losses * weights).sum(), (right * weights).sum()


def classification_sum(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Classification loss: logits (B, C), labels (B,).

    Returns the summed negative log-likelihood in nats and how many examples are right.
    """
    loss = F.cross_entropy(logits.float(), labels, reduction="sum")
    right = logits.detach().argmax(-1) == labels
    return loss, torch.count_nonzero(right)
