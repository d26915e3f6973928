"""A run's length given in steps, tokens or minutes, turned into steps once, before it starts."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Self

import torch
from pydantic import Field, model_validator

from litebert.foundation.errors import ConfigError
from litebert.foundation.progress import console, duration
from litebert.foundation.randomness import Position
from litebert.foundation.settings import Settings
from litebert.training.loop import EVALUATIONS
from litebert.training.step import Trainable, train_step

PROBE_SHARE = 0.05  # of the minutes given
PROBE_SECONDS = 12.0  # at most, unless three steps take longer


class BudgetSettings(Settings):
    """How long to train: exactly one of the three."""

    steps: int | None = Field(None, ge=1)
    """Train for this many optimiser updates."""
    tokens: int | None = Field(None, ge=1)
    """Train on this many tokens."""
    minutes: float | None = Field(None, gt=0)
    """Train for about this long on this machine, evaluations included."""

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        given = [name for name in ("steps", "tokens", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given: choose one budget")
        return self


@dataclass(frozen=True)
class Pace:
    """What the probe measured, medians in seconds."""

    step_seconds: float
    evaluation_seconds: float


def resolve_steps(
    budget: BudgetSettings,
    trainable: Trainable,
    optimizer: torch.optim.Optimizer,
    evaluate_every: int | None,
    began: float,
) -> int:
    """The number of steps that the budget comes to.

    For minutes, a probe trains a few steps and puts everything back; `began` (time.perf_counter)
    is when the time started to count. Raises ConfigError when no budget is given, or the minutes
    are too few for a single step.
    """
    if budget.steps is not None:
        return budget.steps
    if budget.tokens is not None:
        return max(1, round(budget.tokens / _tokens_per_step(trainable)))
    if budget.minutes is None:
        raise ConfigError("say how long to train: --steps, --tokens or --minutes")
    seconds = budget.minutes * 60
    pace = measure_pace(trainable, optimizer, min(PROBE_SECONDS, seconds * PROBE_SHARE))
    left = seconds - (time.perf_counter() - began)
    if evaluate_every is None:
        steps = int((left - EVALUATIONS * pace.evaluation_seconds) / pace.step_seconds)
    else:
        steps = int(left / (pace.step_seconds + pace.evaluation_seconds / evaluate_every))
    if steps < 1:
        raise ConfigError(
            f"minutes: {budget.minutes:g} minutes are too short: a step takes "
            f"{duration(pace.step_seconds)}, an evaluation {duration(pace.evaluation_seconds)}: "
            "give more time or a smaller model or batch"
        )
    console().print(
        f"{budget.minutes:g} minutes are {steps:,} steps of {pace.step_seconds:.3f} s here",
        markup=False,
    )
    return steps


def measure_pace(trainable: Trainable, optimizer: torch.optim.Optimizer, seconds: float) -> Pace:
    """Train for about `seconds`, at least three steps, evaluate once, and undo it all."""
    model = trainable.model
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    laps: list[float] = []
    position = Position()
    while len(laps) < 4 or sum(laps) < seconds:
        began = time.perf_counter()
        batch, position = trainable.batch(position)
        train_step(trainable, batch, optimizer, 1e-9, 1.0, dropout_seed=0)
        laps.append(time.perf_counter() - began)
    began = time.perf_counter()
    model.eval()
    trainable.evaluate()
    evaluation = time.perf_counter() - began
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(before[name])
    optimizer.state.clear()
    return Pace(median(laps[1:]), evaluation)  # the first step warms up


def _tokens_per_step(trainable: Trainable, batches: int = 8) -> float:
    position, tokens = Position(), 0
    for _ in range(batches):
        batch, position = trainable.batch(position)
        tokens += sum(micro_batch.tokens for micro_batch in batch)
    return tokens / batches
