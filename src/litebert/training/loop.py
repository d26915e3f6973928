"""The training loop: step, maybe log, maybe evaluate, maybe save; nothing about what is trained."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import torch

from litebert.foundation.errors import DivergenceError, LitebertError, StorageError
from litebert.foundation.progress import Progress
from litebert.foundation.randomness import Position, derive_seed
from litebert.training.checkpoint import CHECKPOINTS, Snapshot, TrainingState
from litebert.training.distributed import ALONE, World
from litebert.training.interruption import Interruption
from litebert.training.journal import Journal
from litebert.training.recovery import go_back
from litebert.training.settings import LoopSettings
from litebert.training.step import StepOutcome, Tally, Trainable, compute_gradients, update
from litebert.training.stopwatch import Stopwatch
from litebert.training.tensorboard import FOLDER as TENSORBOARD
from litebert.training.tensorboard import TensorBoard
from litebert.training.watch import Alarm, Chance, Verdict, Watch
from litebert.training.writer import CheckpointWriter

EVALUATIONS = 20  # in a run, unless evaluate_every says otherwise
LOG_LINES = 200


@dataclass(frozen=True)
class Monitor:
    """The evaluation metric that says which checkpoint is best, and when to stop early.

    `latest`: the metric is measured on too little to choose by, and the last checkpoint is best.
    """

    metric: str
    higher_is_better: bool = True
    patience: int | None = None
    latest: bool = False

    def improves(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than the best so far; what is no number never is."""
        if not math.isfinite(value):
            return False
        return (
            best is None or self.latest or (value > best if self.higher_is_better else value < best)
        )


@dataclass(frozen=True)
class Plan:
    """A run's length and rhythm, in steps, and its learning rate as a function of the step.

    Without a watch, the first loss or gradient that is no number ends the run. `harder_from` is
    where in the data losses rise because it asks for more: the watch compares none across it.
    """

    total_steps: int
    settings: LoopSettings
    learning_rate: Callable[[int], float]
    monitor: Monitor | None = None
    title: str = "training"
    watch: Watch | None = None
    harder_from: Position | None = None
    chance: Chance | None = None

    @property
    def evaluate_every(self) -> int:
        """Steps between evaluations."""
        return self.settings.evaluate_every or max(1, self.total_steps // EVALUATIONS)

    @property
    def save_every(self) -> int:
        """Steps between checkpoints."""
        return self.settings.save_every or self.evaluate_every

    def saves_at(self, step: int) -> bool:
        """Whether a checkpoint is due after a step."""
        kept = self.settings.keep_every
        return step % self.save_every == 0 or (kept is not None and step % kept == 0)

    @property
    def log_every(self) -> int:
        """Steps between lines of metrics."""
        return self.settings.log_every or max(1, self.total_steps // LOG_LINES)


@dataclass(frozen=True)
class TrainingResult:
    """Where a run ended: its state, the signal that interrupted it if one did, the last metrics.

    `stuck`: it learnt nothing and is to begin again; its state is not saved.
    """

    state: TrainingState
    signal: int | None
    metrics: dict[str, float] = field(default_factory=dict)
    stuck: bool = False


class Trainer:
    """Trains from a state to the end of the plan, or until a signal or its monitor stops it.

    Of several processes each has a trainer, and all do the same; the first one writes and speaks.
    """

    def __init__(
        self,
        trainable: Trainable,
        optimizer: torch.optim.Optimizer,
        plan: Plan,
        folder: Path,
        state: TrainingState | None = None,
        world: World = ALONE,
    ) -> None:
        self.trainable = trainable
        self.optimizer = optimizer
        self.plan = plan
        self.state = state or TrainingState()
        self.world = world
        tracked = plan.settings.tensorboard == "on" and world.first
        board = TensorBoard(folder / TENSORBOARD, self.state.step) if tracked else None
        self.journal = Journal(folder, active=world.first, board=board)
        self.metrics: dict[str, float] = {}
        self._writer = CheckpointWriter(
            folder / CHECKPOINTS, plan.settings.keep, plan.settings.keep_every
        )
        self._saved: int | None = None
        self._progress = Progress(plan.title)
        self._stopwatch = Stopwatch(next(trainable.model.parameters()).device)
        self._tally = Tally()
        self._clock = self._logged_at = time.perf_counter()

    @property
    def finished(self) -> bool:
        """Whether every step is made, or the monitor's patience is at its end."""
        monitor = self.plan.monitor
        patience = None if monitor is None else monitor.patience
        if patience is not None and self.state.evaluations_since_best >= patience:
            return True
        return self.state.step >= self.plan.total_steps

    def run(self) -> TrainingResult:
        """Train to the end; the state is saved at the end and when interrupted.

        Raises DivergenceError when training goes wrong beyond what the plan's watch may mend,
        StorageError when a checkpoint cannot be written, LostProcessError, and what the trainable
        raises. What ends a run is its last alarm.
        """
        try:
            return self._run()
        except LitebertError as error:
            with suppress(StorageError):  # on a full disk there is no room for this either
                step = self.state.step + 1
                self.journal.alarm("stopped", step, str(error), self.state.batches)
            raise

    def _run(self) -> TrainingResult:
        plan, stopped = self.plan, 0
        progress = Progress(plan.title, plan.total_steps, "steps", start=self.state.step)
        with Interruption() as interruption, progress as self._progress, self._writer:
            self._clock = self._logged_at = time.perf_counter()
            if plan.watch is not None and self.state.step == 0:
                self.save()  # to go back to
            while not self.finished:
                # Whoever was asked to stop, all stop before the same step.
                stopped = self.world.largest(interruption.signal or 0)
                if stopped:
                    self.save(wait=True)
                    self._say(f"interrupted: step {self.state.step} is saved, --resume goes on")
                    break
                before = self.state.step
                self.step()
                if self._is_stuck():
                    return TrainingResult(self.state, None, stuck=True)
                if self.state.step > before:  # it has not gone back
                    self._after_step()
        return TrainingResult(self.state, stopped or None, self.metrics)

    def _is_stuck(self) -> bool:
        """Whether the run stays at chance and may begin again; an alarm is given here."""
        chance, watch = self.plan.chance, self.state.watch
        if chance is None or self.state.step != chance.after or not chance.stuck(watch.losses):
            return False
        self._alarm(chance.alarm(watch))
        return watch.restarts < chance.restarts

    def _after_step(self) -> None:
        """Log, evaluate and save where that is due."""
        step, plan = self.state.step, self.plan
        self.log()
        if step == plan.total_steps or step % plan.evaluate_every == 0:
            self.evaluate()
        if self.finished or plan.saves_at(step):
            self.save()

    def step(self) -> None:
        """Take the next batch and make one update, unless the watch has it skipped or goes back."""
        plan = self.plan
        self._stopwatch.start()
        if self.state.position == plan.harder_from:
            self.state = self.state.advanced(watch=replace(self.state.watch, losses=()))
        micro_batches, position = self.trainable.batch(self.state.position)
        self._stopwatch.lap("data")
        outcome = compute_gradients(
            self.trainable,
            micro_batches,
            plan.settings.max_gradient_norm,
            derive_seed(plan.settings.seed, "dropout", self.state.step),
            self.world,
            self._stopwatch,
        )
        self.state = self.state.advanced(position=position, batches=self.state.batches + 1)
        verdict = self._judge(outcome)
        if verdict is Verdict.UPDATE:
            update(self.optimizer, plan.learning_rate(self.state.step))
            self._tally.add(outcome)
            self.state = self.state.advanced(tokens=self.state.tokens + outcome.tokens)
        else:
            self.optimizer.zero_grad(set_to_none=True)
        self._stopwatch.lap("optimizer")
        now = time.perf_counter()
        self.state = self.state.advanced(seconds=self.state.seconds + now - self._clock)
        self._clock = now
        if verdict is Verdict.REWIND:
            self._go_back()
        else:
            self.state = self.state.advanced(step=self.state.step + 1)

    def log(self) -> None:
        """At the rhythm of the log, write the means since the last line."""
        step = self.state.step
        due = step % self.plan.log_every == 0 or step == self.plan.total_steps
        if not due or self._tally.tokens == 0:
            self._progress.update(step)
            return
        means = self._tally.means()
        rate = self._tally.tokens / max(time.perf_counter() - self._logged_at, 1e-9)
        values = {
            **means,
            "learning_rate": self.plan.learning_rate(step - 1),
            "gradient_norm": self._tally.gradient_norm,
            "tokens": self.state.tokens,
            "tokens_per_second": round(rate, 1),
            "seconds": round(self.state.seconds, 3),
            **self._stopwatch.read(),
            **self.state.position._asdict(),
        }
        self.journal.record("train", step, values)
        self._progress.update(step, f"loss {means['loss']:.3f} · {rate:,.0f} tokens/s")
        self._tally = Tally()
        self._logged_at = time.perf_counter()

    def evaluate(self) -> None:
        """Evaluate, record, warn of what was expected, and save a checkpoint that is the best."""
        began = time.perf_counter()
        self.trainable.model.eval()
        self.metrics = self.trainable.evaluate()
        step, tokens = self.state.step, self.state.tokens
        self.journal.record("evaluation", step, {**self.metrics, "tokens": tokens})
        shown = " · ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        self._say(f"step {step:,}: {shown}")
        self.journal.note(f"step {step}: {shown}")
        if self.plan.watch is not None:
            watch, alarms = self.plan.watch.expect(self.state.watch, step, tokens, self.metrics)
            self.state = self.state.advanced(watch=watch)
            for alarm in alarms:
                self._alarm(alarm)
        self._do_not_count(began)  # evaluation is not training time
        if self.plan.monitor is not None:
            self._watch_best(self.plan.monitor)

    def save(self, wait: bool = False) -> None:
        """Begin to write the checkpoint of the current state, and `wait` for it if asked.

        Values that are no numbers are never written: the run goes back instead.
        """
        began = time.perf_counter()
        if self._saved != self.state.step:
            snapshot = None
            if self.world.first:
                snapshot = Snapshot.take(self.trainable.model, self.optimizer)
            damaged = self.world.largest(int(snapshot is not None and not snapshot.finite))
            if damaged:
                self._lose_weights()
            elif snapshot is not None:
                self._writer.save(snapshot, self.state)
            self._saved = self.state.step
        if wait:
            self._writer.wait()
        self._do_not_count(began)

    def _judge(self, outcome: StepOutcome) -> Verdict:
        """What to do with a gradient; an alarm is given here."""
        step, watch = self.state.step + 1, self.plan.watch
        if watch is None:
            if not outcome.finite:
                self.optimizer.zero_grad(set_to_none=True)
                raise DivergenceError(
                    f"step {step}: the loss or the gradient is not finite: lower the learning rate"
                )
            if self.plan.chance is not None:
                self.state = self.state.advanced(watch=self.state.watch.with_loss(outcome.loss))
            return Verdict.UPDATE
        norm = outcome.gradient_norm
        judgement = watch.judge(self.state.watch, step, outcome.loss, norm)
        self.state = self.state.advanced(watch=judgement.state)
        if judgement.alarm is not None:
            self._alarm(judgement.alarm)
        return judgement.verdict

    def _lose_weights(self) -> None:
        """Give up weights or moments in which there are values that are no numbers."""
        text = "weights or optimiser hold values that are not finite: they are not saved"
        if self.plan.watch is None:
            raise DivergenceError(f"step {self.state.step}: {text}; --resume goes on before them")
        self._alarm(Alarm("not_finite", self.state.step, text))
        since = self.state.watch.suspect_since or self.state.step
        self.state = self.state.advanced(watch=replace(self.state.watch, suspect_since=since))
        self._go_back()

    def _go_back(self) -> None:
        """Return to the last good checkpoint and leave out the data since, or stop the run."""
        now, watch = self.state, self.plan.watch
        assert watch is not None
        if now.watch.rewinds >= watch.settings.max_rewinds:
            self._stop(f"it has gone back {now.watch.rewinds} times already")
        self._writer.wait()
        folder, model = self._writer.folder, self.trainable.model
        earlier = go_back(folder, model, self.optimizer, now.watch, self.world)
        if earlier is None:
            self._stop("there is no good checkpoint to go back to")
        since = f"leaves out the data of {now.batches - earlier.batches} batches"
        text = f"the run goes back to step {earlier.step} and {since}"
        self._alarm(Alarm("rewind", now.step + 1, text))
        self.journal.forget_after(earlier.step, now.batches)
        watched = earlier.watch.rewound(now.watch, earlier.step)
        if self.plan.harder_from is not None and now.position >= self.plan.harder_from:
            watched = replace(watched, losses=())
        self.state = earlier.advanced(
            position=now.position, batches=now.batches, seconds=now.seconds, watch=watched
        )
        self._tally, self._saved = Tally(), earlier.step

    def _stop(self, reason: str) -> NoReturn:
        advice = "lower the learning rate, or warm up longer, and start anew"
        where = f"training does not get past step {self.state.step + 1}"
        raise DivergenceError(f"{where}, and {reason}: {advice}")

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

    def _alarm(self, alarm: Alarm) -> None:
        self.journal.alarm(alarm.kind, alarm.step, alarm.text, self.state.batches)
        self._say(f"step {alarm.step:,}: {alarm.text}")

    def _say(self, text: str) -> None:
        self._progress.say(text)

    def _do_not_count(self, began: float) -> None:
        """Take the time since `began` out of what training took."""
        spent = time.perf_counter() - began
        self._clock += spent
        self._logged_at += spent
