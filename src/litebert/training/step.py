"""One optimiser update over the micro-batches of a batch.

The loss is divided by the weights of the whole batch (masked tokens, labelled pairs), known before
the first forward, so accumulation gives the gradient of one big batch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from litebert.foundation.errors import LitebertError
from litebert.foundation.randomness import Position, derive_seed


class DivergenceError(LitebertError):
    """The loss or a gradient is no longer a finite number."""


@dataclass(frozen=True)
class MicroBatch:
    """A part of a batch that goes through the model at once.

    `weights`: for each loss term, by how many items its sum is to be divided.
    """

    data: Any
    weights: dict[str, float]
    tokens: int


@dataclass(frozen=True)
class LossTerm:
    """One loss over a micro-batch: its differentiable sum, and how many items were right."""

    total: Tensor
    correct: Tensor


class Trainable(Protocol):
    """What the loop trains: a model, where its batches come from, and its losses."""

    @property
    def model(self) -> nn.Module:
        """The module whose parameters are trained."""
        ...

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        """The batch at a position, a pure function of it, and the position after it."""
        ...

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        """The loss terms of a micro-batch, by the names its weights have."""
        ...

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out data, the model in evaluation mode."""
        ...


@dataclass(frozen=True)
class StepOutcome:
    """What a step did; the sums are over the whole batch and stay on the device until logged."""

    sums: dict[str, Tensor]
    correct: dict[str, Tensor]
    weights: dict[str, float]
    tokens: int
    gradient_norm: float
    learning_rate: float


def train_step(
    trainable: Trainable,
    micro_batches: Sequence[MicroBatch],
    optimizer: torch.optim.Optimizer,
    learning_rate: float,
    max_gradient_norm: float,
    dropout_seed: int,
) -> StepOutcome:
    """Forward and backward over the micro-batches, clip to the global norm, update.

    Dropout is a function of (dropout_seed, micro-batch), so a resumed run repeats it exactly.
    Raises DivergenceError, before any weight is touched, when a gradient is not finite.
    """
    trainable.model.train()
    weights = total_weights(micro_batches)
    sums: dict[str, Tensor] = {}
    correct: dict[str, Tensor] = {}
    for index, micro_batch in enumerate(micro_batches):
        torch.manual_seed(derive_seed(dropout_seed, index) % 2**63)
        terms = trainable.losses(micro_batch)
        parts = [term.total / weights[name] for name, term in terms.items() if weights[name] > 0]
        if parts:  # a batch may have nothing to predict: its words are longer than their quota
            torch.stack(parts).sum().backward()  # type: ignore[no-untyped-call]
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + term.total.detach()
            correct[name] = correct.get(name, 0.0) + term.correct.detach()
    parameters = [p for p in trainable.model.parameters() if p.grad is not None]
    norm = float(nn.utils.clip_grad_norm_(parameters, max_gradient_norm or math.inf))
    if not math.isfinite(norm):
        optimizer.zero_grad(set_to_none=True)
        raise DivergenceError("the gradient is not finite: lower the learning rate")
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    tokens = sum(micro_batch.tokens for micro_batch in micro_batches)
    return StepOutcome(sums, correct, weights, tokens, norm, learning_rate)


def total_weights(micro_batches: Sequence[MicroBatch]) -> dict[str, float]:
    """The weight of each loss term over the whole batch."""
    totals: dict[str, float] = {}
    for micro_batch in micro_batches:
        for name, weight in micro_batch.weights.items():
            totals[name] = totals.get(name, 0.0) + weight
    return totals


class Tally:
    """Means of the loss terms and accuracies over the steps since the last line of the log."""

    def __init__(self) -> None:
        self._sums: dict[str, list[Tensor]] = {}
        self._correct: dict[str, list[Tensor]] = {}
        self._weights: dict[str, float] = {}
        self.tokens = 0

    def add(self, outcome: StepOutcome) -> None:
        """Count one step."""
        for name, weight in outcome.weights.items():
            self._sums.setdefault(name, []).append(outcome.sums[name])
            self._correct.setdefault(name, []).append(outcome.correct[name])
            self._weights[name] = self._weights.get(name, 0.0) + weight
        self.tokens += outcome.tokens

    def means(self) -> dict[str, float]:
        """`loss`, and `NAME_loss` and `NAME_accuracy` of each term that had any weight."""
        values: dict[str, float] = {"loss": 0.0}
        for name, weight in self._weights.items():
            if weight > 0:
                values[f"{name}_loss"] = float(torch.stack(self._sums[name]).sum()) / weight
                values[f"{name}_accuracy"] = float(torch.stack(self._correct[name]).sum()) / weight
                values["loss"] += values[f"{name}_loss"]
        return values
