"""A run's length given in steps, tokens or minutes, turned into steps once, before it starts."""

import signal
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
from litebert.training.distributed import ALONE, World
from litebert.training.interruption import Interruption
from litebert.training.loop import EVALUATIONS
from litebert.training.step import Trainable, train_step

PROBE_SHARE = 0.05  # of the minutes given
PROBE_SECONDS = 12.0  # at most, unless three steps take longer
EVALUATION_SHARE = 0.08  # of the minutes, for all evaluations together


class BudgetSettings(Settings):
    """How long to train: exactly one of the three."""

    replaced_whole = True  # another budget replaces it, whatever its unit

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


@dataclass(frozen=True)
class Length:
    """A run's length and the rhythm of its evaluations, in steps."""

    total_steps: int
    evaluate_every: int


def resolve_length(
    budget: BudgetSettings,
    trainable: Trainable,
    optimizer: torch.optim.Optimizer,
    evaluate_every: int | None,
    began: float,
    world: World = ALONE,
) -> Length:
    """What the budget comes to in steps; `evaluate_every` is kept where it is given.

    For minutes, a probe trains a few steps and puts everything back; `began` (time.perf_counter)
    is when the time started to count. Raises ConfigError when no budget is given, or the minutes
    are too few for a single step.
    """
    if budget.minutes is not None:
        return _fit_minutes(budget.minutes, trainable, optimizer, evaluate_every, began, world)
    if budget.steps is not None:
        steps = budget.steps
    elif budget.tokens is not None:
        steps = max(1, round(budget.tokens / _tokens_per_step(trainable, world)))
    else:
        raise ConfigError("say how long to train: --steps, --tokens or --minutes")
    return Length(steps, evaluate_every or max(1, steps // EVALUATIONS))


def _fit_minutes(
    minutes: float,
    trainable: Trainable,
    optimizer: torch.optim.Optimizer,
    evaluate_every: int | None,
    began: float,
    world: World,
) -> Length:
    """Steps that fit, by a probe."""
    probe = min(PROBE_SECONDS, minutes * 60 * PROBE_SHARE)
    pace = measure_pace(trainable, optimizer, probe, world)
    left = world.share(minutes * 60 - (time.perf_counter() - began))
    length = steps_within(left, pace, evaluate_every)
    if length.total_steps < 1:
        raise ConfigError(
            f"minutes: {minutes:g} minutes are too short: a step takes "
            f"{duration(pace.step_seconds)}, an evaluation {duration(pace.evaluation_seconds)}: "
            "give more time or a smaller model or batch"
        )
    console().print(
        f"{minutes:g} minutes are {length.total_steps:,} steps of {pace.step_seconds:.3f} s here",
        markup=False,
    )
    return length


def steps_within(seconds: float, pace: Pace, evaluate_every: int | None) -> Length:
    """The steps that fit into the seconds, with their evaluations; there may be none.

    Unless their rhythm is given, evaluations take a small share of the time.
    """
    if evaluate_every is not None:
        each = pace.step_seconds + pace.evaluation_seconds / evaluate_every
        return Length(int(seconds / each), evaluate_every)
    affordable = int(EVALUATION_SHARE * seconds / pace.evaluation_seconds)
    evaluations = min(EVALUATIONS, max(1, affordable))
    steps = int((seconds - evaluations * pace.evaluation_seconds) / pace.step_seconds)
    return Length(steps, max(1, steps // evaluations))


def measure_pace(
    trainable: Trainable,
    optimizer: torch.optim.Optimizer,
    seconds: float,
    world: World = ALONE,
) -> Pace:
    """Train for about `seconds`, at least three steps, evaluate once, and undo it all.

    Several processes step together; the pace is the first one's.
    """
    model = trainable.model
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    laps: list[float] = []
    position = Position()
    # torch can lose an exception that a signal raises within it: the signal waits for its step.
    with Interruption() as interruption:
        while not (interrupted := world.largest(interruption.signal or 0)):
            if world.share(len(laps) >= 4 and sum(laps) >= seconds):
                break
            began = time.perf_counter()
            batch, position = trainable.batch(position)
            train_step(trainable, batch, optimizer, 1e-9, 1.0, dropout_seed=0, world=world)
            laps.append(time.perf_counter() - began)
    if interrupted:
        signal.raise_signal(interrupted)
    began = time.perf_counter()
    model.eval()
    trainable.evaluate()
    evaluation = time.perf_counter() - began
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(before[name])
    optimizer.state.clear()
    return Pace(*world.share([median(laps[1:]), evaluation]))  # the first step warms up


def _tokens_per_step(trainable: Trainable, world: World, batches: int = 8) -> float:
    position, tokens = Position(), 0
    for _ in range(batches):
        batch, position = trainable.batch(position)
        tokens += sum(micro_batch.tokens for micro_batch in batch)
    return world.sums([tokens])[0] / batches
