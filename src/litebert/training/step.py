"""One optimiser update over the micro-batches of a batch.

The loss is divided by the weights of the whole batch (masked tokens, labelled pairs), known before
the first forward, so accumulation and several processes give the gradient of one big batch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from litebert.foundation.errors import DivergenceError
from litebert.foundation.randomness import Position, derive_seed
from litebert.training.distributed import ALONE, World
from litebert.training.replicas import sum_gradients
from litebert.training.stopwatch import Stopwatch


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
    """One loss over a micro-batch: its differentiable sum, and how many items were right.

    None where nothing is simply right or wrong.
    """

    total: Tensor
    correct: Tensor | None = None


class Trainable(Protocol):
    """What the loop trains: a model, where its batches come from, and its losses."""

    @property
    def model(self) -> nn.Module:
        """The module whose parameters are trained."""
        ...

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        """The batch at a position, a pure function of it, and the position after it.

        Of several processes each gets its slice of the batch.
        """
        ...

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        """The loss terms of a micro-batch, by the names its weights have."""
        ...

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out data, the model in evaluation mode."""
        ...


@dataclass(frozen=True)
class StepOutcome:
    """What a batch gave, over all of it: the loss, its terms' sums and weights, the gradient."""

    loss: float
    sums: dict[str, float]
    correct: dict[str, float]
    weights: dict[str, float]
    tokens: int
    gradient_norm: float

    @property
    def finite(self) -> bool:
        """Whether loss and gradient are numbers to go by."""
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


def train_step(
    trainable: Trainable,
    micro_batches: Sequence[MicroBatch],
    optimizer: torch.optim.Optimizer,
    learning_rate: float,
    max_gradient_norm: float,
    dropout_seed: int,
    world: World = ALONE,
) -> StepOutcome:
    """Forward and backward over the micro-batches, clip to the global norm, update.

    Raises DivergenceError, before any weight is touched, when loss or gradient are not finite.
    """
    outcome = compute_gradients(trainable, micro_batches, max_gradient_norm, dropout_seed, world)
    if not outcome.finite:
        optimizer.zero_grad(set_to_none=True)
        raise DivergenceError("the gradient is not finite: lower the learning rate")
    update(optimizer, learning_rate)
    return outcome


def compute_gradients(
    trainable: Trainable,
    micro_batches: Sequence[MicroBatch],
    max_gradient_norm: float,
    dropout_seed: int,
    world: World = ALONE,
    stopwatch: Stopwatch | None = None,
) -> StepOutcome:
    """Leave the batch's gradient, clipped to the global norm, in the parameters.

    The micro-batches are this process's share. Dropout is a function of (dropout_seed, rank,
    micro-batch), so a resumed run repeats it exactly.
    """
    model = trainable.model
    model.train()
    lap = stopwatch.lap if stopwatch is not None else _no_lap
    weights, tokens = _totals(micro_batches, world)
    if world.size > 1:
        lap("communication")
    sums = {name: torch.zeros(()) for name in weights}
    correct: dict[str, Tensor] = {}
    for index, micro_batch in enumerate(micro_batches):
        torch.manual_seed(derive_seed(dropout_seed, world.rank, index) % 2**63)
        terms = trainable.losses(micro_batch)
        parts = [term.total / weights[name] for name, term in terms.items() if weights[name] > 0]
        for name, term in terms.items():
            sums[name] = sums[name] + term.total.detach()
            if term.correct is not None:
                right = term.correct.detach()
                correct[name] = correct[name] + right if name in correct else right
        lap("forward")
        if parts:  # a batch may have nothing to predict: its words are longer than their quota
            torch.stack(parts).sum().backward()  # type: ignore[no-untyped-call]
        lap("backward")
    trained = [p for p in model.parameters() if p.requires_grad]
    totals = sum_gradients(world, trained, [*sums.values(), *correct.values()])
    if world.size > 1:
        lap("communication")
    parameters = [p for p in trained if p.grad is not None]
    norm = nn.utils.clip_grad_norm_(parameters, max_gradient_norm or math.inf)
    norm_value, *values = torch.stack([norm, *(v.to(norm) for v in totals)]).tolist()
    lap("optimizer")
    summed = dict(zip(weights, values[: len(weights)], strict=True))
    counts = dict(zip(correct, values[len(weights) :], strict=True))
    loss = sum(summed[name] / weight for name, weight in weights.items() if weight > 0)
    return StepOutcome(loss, summed, counts, weights, tokens, norm_value)


def update(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Move the weights by the gradients, which are then gone."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _totals(micro_batches: Sequence[MicroBatch], world: World) -> tuple[dict[str, float], int]:
    """The weight of each loss term over the whole batch of all ranks, and its tokens."""
    names = list(micro_batches[0].weights)
    own = [sum(micro_batch.weights[name] for micro_batch in micro_batches) for name in names]
    *weights, tokens = world.sums([*own, sum(micro_batch.tokens for micro_batch in micro_batches)])
    return dict(zip(names, weights, strict=True)), int(tokens)


def _no_lap(part: str) -> None:
    return


class Tally:
    """Means of the loss terms and accuracies over the steps since the last line of the log."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._correct: dict[str, float] = {}
        self._weights: dict[str, float] = {}
        self.tokens = 0
        self.gradient_norm = 0.0  # of the last step

    def add(self, outcome: StepOutcome) -> None:
        """Count one step."""
        self.gradient_norm = outcome.gradient_norm
        for name, weight in outcome.weights.items():
            self._sums[name] = self._sums.get(name, 0.0) + outcome.sums[name]
            self._weights[name] = self._weights.get(name, 0.0) + weight
        for name, right in outcome.correct.items():
            self._correct[name] = self._correct.get(name, 0.0) + right
        self.tokens += outcome.tokens

    def means(self) -> dict[str, float]:
        """`loss`, and `NAME_loss` and `NAME_accuracy` of each term that had any weight.

        The accuracy only where something is right or wrong.
        """
        values: dict[str, float] = {"loss": 0.0}
        for name, weight in self._weights.items():
            if weight > 0:
                values[f"{name}_loss"] = self._sums[name] / weight
                if name in self._correct:
                    values[f"{name}_accuracy"] = self._correct[name] / weight
                values["loss"] += values[f"{name}_loss"]
        return values
