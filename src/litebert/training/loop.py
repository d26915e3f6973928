"""The training loop: step, maybe log, maybe evaluate, maybe save; nothing about what is trained."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import Field

from litebert.foundation.progress import Progress
from litebert.foundation.randomness import derive_seed
from litebert.foundation.settings import Settings
from litebert.training.checkpoint import (
    CHECKPOINTS,
    TrainingState,
    prune_checkpoints,
    save_checkpoint,
)
from litebert.training.interruption import Interruption
from litebert.training.journal import Journal
from litebert.training.step import StepOutcome, Tally, Trainable, train_step

EVALUATIONS = 20  # in a run, unless evaluate_every says otherwise
LOG_LINES = 200


class LoopSettings(Settings):
    """How a run steps, and when it logs, evaluates and saves."""

    batch_size: int = Field(32, ge=1)
    """Instances (or examples) in the batch of one update."""
    micro_batch_size: int | None = Field(None, ge=1)
    """At most so many go through the model at once; by default the whole batch."""
    max_gradient_norm: float = Field(1.0, ge=0)
    """Gradients are scaled down to this global norm; 0 leaves them as they are."""
    seed: int = Field(1, ge=0)
    """Determines the initial weights, the order of the data, the masks and the dropout."""
    evaluate_every: int | None = Field(None, ge=1)
    """Steps between evaluations; by default a twentieth of the run."""
    save_every: int | None = Field(None, ge=1)
    """Steps between checkpoints; by default at every evaluation."""
    keep: int = Field(2, ge=1)
    """Checkpoints to keep beside the best."""
    log_every: int | None = Field(None, ge=1)
    """Steps between lines in metrics.jsonl; by default a two-hundredth of the run."""


MAY_CHANGE_ON_RESUME = ("save_every", "keep", "log_every")


@dataclass(frozen=True)
class Monitor:
    """The evaluation metric that says which checkpoint is best, and when to stop early."""

    metric: str
    higher_is_better: bool = True
    patience: int | None = None

    def improves(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than the best so far."""
        return best is None or (value > best if self.higher_is_better else value < best)


@dataclass(frozen=True)
class Plan:
    """A run's length and rhythm, in steps, and its learning rate as a function of the step."""

    total_steps: int
    settings: LoopSettings
    learning_rate: Callable[[int], float]
    monitor: Monitor | None = None
    title: str = "training"

    @property
    def evaluate_every(self) -> int:
        """Steps between evaluations."""
        return self.settings.evaluate_every or max(1, self.total_steps // EVALUATIONS)

    @property
    def save_every(self) -> int:
        """Steps between checkpoints."""
        return self.settings.save_every or self.evaluate_every

    @property
    def log_every(self) -> int:
        """Steps between lines of metrics."""
        return self.settings.log_every or max(1, self.total_steps // LOG_LINES)


@dataclass(frozen=True)
class TrainingResult:
    """Where a run ended: its state, the signal that interrupted it if one did, the last metrics."""

    state: TrainingState
    signal: int | None
    metrics: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Trains from a state to the end of the plan, or until a signal or its monitor stops it."""

    def __init__(
        self,
        trainable: Trainable,
        optimizer: torch.optim.Optimizer,
        plan: Plan,
        folder: Path,
        state: TrainingState | None = None,
    ) -> None:
        self.trainable = trainable
        self.optimizer = optimizer
        self.plan = plan
        self.folder = folder
        self.state = state or TrainingState()
        self.journal = Journal(folder)
        self.metrics: dict[str, float] = {}
        self._tally = Tally()
        self._clock = time.perf_counter()
        self._logged_at = self._clock

    @property
    def finished(self) -> bool:
        """Whether every step is made, or the monitor's patience is at its end."""
        monitor = self.plan.monitor
        patience = None if monitor is None else monitor.patience
        if patience is not None and self.state.evaluations_since_best >= patience:
            return True
        return self.state.step >= self.plan.total_steps

    def run(self) -> TrainingResult:
        """Train to the end; the state is saved at the end and when interrupted."""
        plan = self.plan
        with (
            Interruption() as interruption,
            Progress(plan.title, plan.total_steps, "steps", start=self.state.step) as progress,
        ):
            self._clock = self._logged_at = time.perf_counter()
            while not self.finished and interruption.signal is None:
                outcome = self.step()
                self.log(outcome, progress)
                last = self.state.step == plan.total_steps
                if last or self.state.step % plan.evaluate_every == 0:
                    self.evaluate(progress)
                if self.finished or self.state.step % plan.save_every == 0:
                    self.save()
            if interruption.signal is not None:
                self.save()
                progress.say(f"interrupted: step {self.state.step} is saved, --resume goes on")
        return TrainingResult(self.state, interruption.signal, self.metrics)

    def step(self) -> StepOutcome:
        """Make one update and move the state on."""
        plan, state = self.plan, self.state
        micro_batches, position = self.trainable.batch(state.position)
        outcome = train_step(
            self.trainable,
            micro_batches,
            self.optimizer,
            plan.learning_rate(state.step),
            plan.settings.max_gradient_norm,
            derive_seed(plan.settings.seed, "dropout", state.step),
        )
        now = time.perf_counter()
        self.state = state.advanced(
            step=state.step + 1,
            position=position,
            tokens=state.tokens + outcome.tokens,
            seconds=state.seconds + now - self._clock,
        )
        self._clock = now
        return outcome

    def log(self, outcome: StepOutcome, progress: Progress) -> None:
        """Count the step; at the rhythm of the log, write the means since the last line."""
        self._tally.add(outcome)
        if self.state.step % self.plan.log_every and self.state.step != self.plan.total_steps:
            progress.update(self.state.step)
            return
        means = self._tally.means()
        rate = self._tally.tokens / max(time.perf_counter() - self._logged_at, 1e-9)
        values = {
            **means,
            "learning_rate": outcome.learning_rate,
            "gradient_norm": outcome.gradient_norm,
            "tokens": self.state.tokens,
            "tokens_per_second": round(rate, 1),
            "seconds": round(self.state.seconds, 3),
        }
        self.journal.record("train", self.state.step, values)
        progress.update(self.state.step, f"loss {means['loss']:.3f} · {rate:,.0f} tokens/s")
        self._tally = Tally()
        self._logged_at = time.perf_counter()

    def evaluate(self, progress: Progress) -> None:
        """Evaluate, record, and save a checkpoint when it is the best so far."""
        began = time.perf_counter()
        self.trainable.model.eval()
        self.metrics = self.trainable.evaluate()
        values = {**self.metrics, "tokens": self.state.tokens}
        self.journal.record("evaluation", self.state.step, values)
        shown = " · ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        progress.say(f"step {self.state.step:,}: {shown}")
        self.journal.note(f"step {self.state.step}: {shown}")
        if self.plan.monitor is not None:
            self._watch_best(self.plan.monitor)
        spent = time.perf_counter() - began
        self._clock += spent  # evaluation is not training time
        self._logged_at += spent

    def save(self) -> None:
        """Write the checkpoint of the current state and remove those no longer kept."""
        folder = self.folder / CHECKPOINTS
        save_checkpoint(folder, self.trainable.model, self.optimizer, self.state)
        prune_checkpoints(folder, self.state, self.plan.settings.keep)

    def _watch_best(self, monitor: Monitor) -> None:
        value = self.metrics[monitor.metric]
        if monitor.improves(value, self.state.best):
            self.state = self.state.advanced(
                best=value, best_step=self.state.step, evaluations_since_best=0
            )
            self.save()
        else:
            since = self.state.evaluations_since_best + 1
            self.state = self.state.advanced(evaluations_since_best=since)
