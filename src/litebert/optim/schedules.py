"""Learning rates as pure functions of the step: 0 is the first update, total_steps the end."""

import math
from typing import Literal

from pydantic import Field

from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import Settings


class ScheduleSettings(Settings):
    """The learning rate over a run."""

    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate."""
    schedule: Literal["original", "linear", "cosine", "constant"] = "linear"
    """How the rate falls after warm-up; original: the paper's, constant: flat until the decay."""
    warmup: float = Field(0.06, ge=0)
    """Warm-up: a fraction of all steps if below 1, else a number of steps."""
    decay: float = Field(0.2, ge=0)
    """Decay at the end of the constant schedule: a fraction of all steps if below 1, else steps."""


def learning_rate_at(settings: ScheduleSettings, step: int, total_steps: int) -> float:
    """The rate of update `step` (from 0) of a run of `total_steps` updates.

    Raises ConfigError when the warm-up alone is as long as the run.
    """
    peak = settings.learning_rate
    warmup_steps = warmup_of(settings, total_steps)
    if warmup_steps >= total_steps:
        raise ConfigError(
            f"warmup: {warmup_steps} steps of warm-up leave nothing of a run of {total_steps}: "
            "shorten the warm-up or train longer"
        )
    match settings.schedule:
        case "original":
            return original_schedule(step, peak, total_steps, warmup_steps)
        case "linear":
            return linear_schedule(step, peak, total_steps, warmup_steps)
        case "cosine":
            return cosine_schedule(step, peak, total_steps, warmup_steps)
        case "constant":
            decay_steps = _steps(settings.decay, total_steps)
            return constant_schedule(step, peak, total_steps, warmup_steps, decay_steps)


def warmup_of(settings: ScheduleSettings, total_steps: int) -> int:
    """How many steps the warm-up of a run takes."""
    return _steps(settings.warmup, total_steps)


def original_schedule(step: int, peak: float, total_steps: int, warmup_steps: int) -> float:
    """The original's rate: linear decay to 0 measured from step 0, overridden by linear warm-up.

    So the very first rate is 0, and at the end of the warm-up the rate falls from nearly `peak` to
    peak · (1 - warmup_steps / total_steps). Source: google-research/albert, optimization.py.
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 - min(step, total_steps) / total_steps)


def linear_schedule(step: int, peak: float, total_steps: int, warmup_steps: int) -> float:
    """Linear warm-up to `peak`, then straight down, to reach 0 at `total_steps`."""
    if step < warmup_steps:
        return _warm(step, peak, warmup_steps)
    return peak * _left(step, total_steps, total_steps - warmup_steps)


def cosine_schedule(step: int, peak: float, total_steps: int, warmup_steps: int) -> float:
    """Linear warm-up to `peak`, then half a cosine wave down to 0 at `total_steps`."""
    if step < warmup_steps:
        return _warm(step, peak, warmup_steps)
    left = _left(step, total_steps, total_steps - warmup_steps)
    return peak * (1 - math.cos(math.pi * left)) / 2


def constant_schedule(
    step: int, peak: float, total_steps: int, warmup_steps: int, decay_steps: int
) -> float:
    """Linear warm-up to `peak`, level, then straight down to 0 over the last `decay_steps`."""
    if step < warmup_steps:
        return _warm(step, peak, warmup_steps)
    decay_steps = min(decay_steps, total_steps - warmup_steps)
    return peak * (_left(step, total_steps, decay_steps) if decay_steps else 1.0)


def _warm(step: int, peak: float, warmup_steps: int) -> float:
    # From 1, not 0: unlike the original's, no update is spent on a rate of zero.
    return peak * (step + 1) / warmup_steps


def _left(step: int, total_steps: int, decay_steps: int) -> float:
    """The part of the decay that is still to come: 1 before it begins, 0 at its end."""
    return min(1.0, max(0, total_steps - step) / decay_steps)


def _steps(amount: float, total_steps: int) -> int:
    return round(amount * total_steps) if amount < 1 else round(amount)
