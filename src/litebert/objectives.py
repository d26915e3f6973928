"""Pure losses on tensors. Each returns a sum and a count, so that the caller divides by the weight
of the whole batch, however many micro-batches it came in.

Shapes: B sequences, T tokens, M masked positions, V vocabulary, C classes, Q questions. Computed in
float32 whatever the precision of the logits.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

# Elements handled at once on a CPU: few enough to stay in its cache from one operation to the next.
_CACHED_ELEMENTS = 1 << 17


def masked_lm_sum(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masked-LM loss: logits (M, V) at the masked positions, labels (M,) the original ids.

    Returns the summed negative log-likelihood in nats and how many positions are right.
    Source: run_pretraining.py, get_masked_lm_output (which divides by the sum of weights + 1e-5).
    """
    loss: Tensor = _CrossEntropySum.apply(logits, labels)  # type: ignore[no-untyped-call]
    return loss, _count_right(logits.detach(), labels)


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
    return loss, torch.count_nonzero(logits.detach().argmax(-1) == labels)


def squared_error_sum(outputs: Tensor, targets: Tensor) -> Tensor:
    """Regression loss: outputs (B,), targets (B,). Returns the summed squared error.

    Source: run_classifier.py, create_model (which takes the mean).
    """
    return F.mse_loss(outputs.float(), targets.float(), reduction="sum")


def choice_sum(scores: Tensor, options: Sequence[int], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Multiple choice: a score for each option (B,), the options of a question side by side.

    `options` says how many each of the Q questions has, labels (Q,) which of its own is right.
    Returns the summed negative log-likelihood in nats and how many questions are answered right.
    Source: run_race.py, create_model (there every question has four).
    """
    rows = list(torch.split(scores.float(), list(options)))
    return classification_sum(pad_sequence(rows, True, -math.inf), labels)


def span_sum(
    start_log_probs: Tensor, end_log_probs: Tensor, starts: Tensor, ends: Tensor
) -> tuple[Tensor, Tensor]:
    """An answer's start and end: log-probabilities (B, T), positions (B,).

    Returns the sum of half of both negative log-likelihoods, and how many spans are right at both
    ends. Source: run_squad_v1.py and run_squad_v2.py, model_fn (which take the mean).
    """
    start_loss = F.nll_loss(start_log_probs.float(), starts, reduction="sum")
    end_loss = F.nll_loss(end_log_probs.float(), ends, reduction="sum")
    right = (start_log_probs.argmax(-1) == starts) & (end_log_probs.argmax(-1) == ends)
    return (start_loss + end_loss) / 2, torch.count_nonzero(right)


def unanswerable_sum(logits: Tensor, unanswerable: Tensor) -> tuple[Tensor, Tensor]:
    """Whether there is no answer: logits (B,), 1 where there is none (B,).

    Returns half the summed negative log-likelihood, as it is added to `span_sum`, and how many are
    right. Source: run_squad_v2.py, model_fn.
    """
    targets = unanswerable.float()
    loss = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum")
    return loss / 2, torch.count_nonzero((logits.detach() > 0) == (targets > 0.5))


class _CrossEntropySum(torch.autograd.Function):
    """F.cross_entropy(reduction="sum") for a large vocabulary, 1.5 to 4 times as fast on a CPU.

    The softmax is taken once, some rows at a time, and kept as the gradient.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        M, V = logits.shape
        rows = max(1, _CACHED_ELEMENTS // V) if logits.device.type == "cpu" else max(1, M)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        loss = logits.new_zeros((), dtype=torch.float32)
        for start in range(0, M, rows):
            some = slice(start, start + rows)
            values, chosen = logits[some], labels[some, None]  # (m, V), (m, 1)
            probabilities = values.softmax(-1, dtype=torch.float32)
            # The largest probability is at least 1 / V, so its logarithm is always exact enough.
            largest = values.amax(-1).float() - probabilities.amax(-1).log()
            loss += (largest - values.gather(1, chosen)[:, 0]).sum()
            if gradient is not None:
                minus_one = torch.full_like(chosen, -1.0, dtype=torch.float32)
                gradient[some] = probabilities.scatter_add_(1, chosen, minus_one)
        ctx.gradient = gradient
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        return ctx.gradient * outer.to(ctx.gradient.dtype), None


def _count_right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many rows have their argmax at the label.

    On a CPU it is slow, and only breaks ties; a GPU would have to wait to learn where they are.
    """
    if logits.device.type != "cpu":
        return torch.count_nonzero(logits.argmax(-1) == labels)
    best = logits.amax(-1) == logits.gather(1, labels[:, None])[:, 0]
    return torch.count_nonzero(logits[best].float().argmax(-1) == labels[best])
