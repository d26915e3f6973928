"""A run that watches itself: harmful updates are skipped, repeated ones undone, and a run that
does not learn says so.

What it decides is a function of losses, gradient norms and held-out metrics that all processes
share, and its memory is part of every checkpoint: ranks agree, and a resumed run decides as an
uninterrupted one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from statistics import mean, median
from typing import Any, Literal

from pydantic import Field

from litebert.foundation.settings import Settings
from litebert.training.journal import ALARM, METRICS, read_metrics

RECENT = 128  # losses that a new one is compared with
FEWEST = 32  # of them, before anything counts as a spike
LEAST_SPIKE = 0.5  # of the median: less is never a spike, however even the losses are
RELIEF = 1 / 8  # of a bad update is forgotten with each good one
AT_CHANCE = 0.99  # of the loss at chance: less counts as learning
DEVIATION = 1.4826  # standard deviations of a normal distribution in its median deviation


class WatchSettings(Settings):
    """When a run helps itself, and when it gives up."""

    watch: Literal["on", "off"] = "on"
    """Skip updates whose loss or gradient is no number or whose loss is far too high, go back when
    they repeat, and warn when nothing is learnt. Off: the first that is no number ends the run."""
    bad_updates: int = Field(3, ge=1)
    """Bad updates in a row after which the run goes back to its last good checkpoint and leaves
    out the data since."""
    max_rewinds: int = Field(3, ge=0)
    """How often a run goes back before it stops."""
    spike: float = Field(10.0, gt=0)
    """A loss so many deviations above the median of the recent ones is a spike, if it is half as
    high again."""


class Verdict(Enum):
    """What is to be done with a gradient."""

    UPDATE = "update"
    SKIP = "skip"
    REWIND = "rewind"


@dataclass(frozen=True)
class Alarm:
    """Something that the user should know of: what kind, when, and the words for it."""

    kind: str
    step: int
    text: str


@dataclass(frozen=True)
class WatchState:
    """What the watch remembers.

    `strain` counts bad updates, good ones slowly taking it back; `suspect_since` is the step it
    began to rise at. `met`: for each expectation that was met, after how many tokens.
    """

    losses: tuple[float, ...] = ()
    strain: float = 0.0
    suspect_since: int | None = None
    rewinds: int = 0
    rewound_to: int | None = None
    restarts: int = 0
    met: Mapping[str, int] = field(default_factory=dict)
    warned: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "WatchState":
        """The state that `dataclasses.asdict` and JSON made `values` of."""
        lists = {name: tuple(values[name]) for name in ("losses", "warned") if name in values}
        return cls(**{**values, **lists})

    def with_loss(self, loss: float) -> "WatchState":
        """This state with one more loss."""
        return replace(self, losses=(*self.losses, loss)[-RECENT:])

    def rewound(self, before: "WatchState", step: int) -> "WatchState":
        """This state, of the checkpoint of `step`, after going back to it from `before`."""
        return replace(
            self,
            strain=0.0,
            suspect_since=None,
            rewinds=before.rewinds + 1,
            rewound_to=step,
            warned=before.warned,
        )


@dataclass(frozen=True)
class Chance:
    """The training loss of a model that has learnt nothing, and what is done about one that stays
    there `after` so many steps: the run begins again, `restarts` times at most."""

    loss: float
    after: int
    restarts: int

    def stuck(self, losses: Sequence[float]) -> bool:
        """Whether the latest losses are not under it."""
        return mean(losses) > AT_CHANCE * self.loss

    def alarm(self, watch: WatchState) -> Alarm:
        """What a run that is stuck says, and what becomes of it."""
        seen = f"the training loss, {mean(watch.losses):.3f}, is not under that of chance"
        action = (
            "the run begins again at a lower learning rate"
            if watch.restarts < self.restarts
            else "nothing was learnt: the task is too hard for this model, or its rate far off"
        )
        return Alarm(
            "stuck", self.after, f"{seen}, {self.loss:.3f}, after {self.after} steps: {action}"
        )


@dataclass(frozen=True)
class Expectation:
    """A held-out metric that must have passed its bound after so many tokens, or a warning is due.

    `after` names the expectation whose fulfilment begins the patience; by default it is the start.
    """

    name: str
    metric: str
    bound: float
    patience: int
    advice: str
    falling: bool = True
    after: str | None = None

    def met_by(self, value: float) -> bool:
        """Whether the metric is where it is to come."""
        return value < self.bound if self.falling else value > self.bound


@dataclass(frozen=True)
class Judgement:
    """A verdict on a gradient, the watch's memory after it, and the alarm it gives, if any."""

    verdict: Verdict
    state: WatchState
    alarm: Alarm | None = None


@dataclass(frozen=True)
class Watch:
    """The rules of a run's watch."""

    settings: WatchSettings
    expectations: Sequence[Expectation] = ()

    def judge(self, state: WatchState, step: int, loss: float, gradient_norm: float) -> Judgement:
        """What to do with the gradient of `step`, by its loss (before the update) and its norm."""
        trouble = self._trouble(state.losses, loss, gradient_norm)
        if trouble is None:
            strain = max(0.0, state.strain - RELIEF)
            return Judgement(
                Verdict.UPDATE,
                replace(
                    state.with_loss(loss),
                    strain=strain,
                    suspect_since=state.suspect_since if strain else None,
                ),
            )
        kind, words = trouble
        since = step if state.suspect_since is None else state.suspect_since
        after = replace(state, strain=state.strain + 1, suspect_since=since)
        alarm = Alarm(kind, step, f"{words}: the update is skipped")
        often = after.strain >= self.settings.bad_updates
        return Judgement(Verdict.REWIND if often else Verdict.SKIP, after, alarm)

    def expect(
        self, state: WatchState, step: int, tokens: int, metrics: Mapping[str, float]
    ) -> tuple[WatchState, list[Alarm]]:
        """Compare held-out metrics with what was expected; each warning comes once."""
        met, warned, alarms = dict(state.met), list(state.warned), []
        for expectation in self.expectations:
            name, value = expectation.name, metrics.get(expectation.metric)
            if value is None or name in met:
                continue
            if expectation.met_by(value):
                met[name] = tokens
                continue
            began = 0 if expectation.after is None else met.get(expectation.after, tokens)
            if name not in warned and tokens - began >= expectation.patience:
                warned.append(name)
                side = "under" if expectation.falling else "over"
                words = f"{expectation.metric} is {value:.3f}, not {side} {expectation.bound:.3f}"
                text = f"{words} after {tokens:,} tokens: {expectation.advice}"
                alarms.append(Alarm(name, step, text))
        return replace(state, met=met, warned=tuple(warned)), alarms

    def _trouble(
        self, losses: Sequence[float], loss: float, gradient_norm: float
    ) -> tuple[str, str] | None:
        """The kind of what is wrong, and in words; None where nothing is."""
        if not math.isfinite(loss):
            return "not_finite", f"the loss is {loss}"
        if not math.isfinite(gradient_norm):
            return "not_finite", f"the gradient's norm is {gradient_norm}"
        if len(losses) >= FEWEST:
            middle = median(losses)
            deviation = DEVIATION * median(abs(value - middle) for value in losses)
            if loss > middle + max(self.settings.spike * deviation, LEAST_SPIKE * abs(middle)):
                recent = f"the median of the last {len(losses)} steps is {middle:.3f}"
                return "spike", f"the loss is {loss:.3f}, and {recent}"
        return None


def alarms_of(folder: Path) -> list[Alarm]:
    """The alarms of the run in `folder`, in the order they were given."""
    return [
        Alarm(line["kind"], line["step"], line["text"])
        for line in read_metrics(folder / METRICS)
        if line.get("event") == ALARM
    ]
