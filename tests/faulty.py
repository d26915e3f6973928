"""A regression whose data, gradients, weights or moments go wrong where a test says so."""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from litebert.foundation.randomness import Position
from litebert.optim import build_optimizer
from litebert.training.checkpoint import list_checkpoints, load_checkpoint, newest_checkpoint
from litebert.training.distributed import ALONE, World
from litebert.training.loop import Plan, Trainer
from litebert.training.settings import LoopSettings
from litebert.training.step import LossTerm, MicroBatch
from litebert.training.watch import Watch, WatchSettings
from regression import ROWS, Regression

MEMORY = [*(f"weight {i}" for i in range(4)), "moment"]
PLACES = ["loss", *(f"gradient {i}" for i in range(4)), *MEMORY]
BATCH = 8


class Faulty(Regression):
    """Harm comes with the batch of a given number, in the order of the data.

    `faults`: for the number of a batch, where the harm is (one of PLACES, or "spike") and the value
    that is put there. A `passing` fault comes once, as a bit that flips; others whenever the batch
    is drawn.
    """

    def __init__(
        self,
        faults: Mapping[int, tuple[str, float]],
        passing: bool = False,
        world: World = ALONE,
    ) -> None:
        super().__init__(BATCH, BATCH, world=world)
        self.faults = dict(faults)
        self.passing = passing
        self.optimizer: torch.optim.Optimizer | None = None
        self._now: tuple[str, float] | None = None
        for index, parameter in enumerate(self.model.parameters()):
            parameter.register_hook(partial(self._harm_gradient, f"gradient {index}"))

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        number = (position.epoch * ROWS + position.offset) // BATCH
        self._now = self.faults.pop(number, None) if self.passing else self.faults.get(number)
        if self._now is not None:
            self._harm_memory(*self._now)
        return super().batch(position)

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        terms = super().losses(micro_batch)
        place, value = self._now or ("", 0.0)
        if place == "spike":
            return {"squares": LossTerm(terms["squares"].total * value, terms["squares"].correct)}
        if place == "loss":
            return {"squares": LossTerm(terms["squares"].total + value, terms["squares"].correct)}
        return terms

    def _harm_gradient(self, place: str, gradient: Tensor) -> Tensor:
        if self._now is None or self._now[0] != place:
            return gradient
        harmed = gradient.clone()
        harmed.view(-1)[0] = self._now[1]
        return harmed

    def _harm_memory(self, place: str, value: float) -> None:
        with torch.no_grad():
            if place.startswith("weight"):
                list(self.model.parameters())[int(place[-1])].view(-1)[0] = value
            elif place == "moment":
                assert self.optimizer is not None
                state = self.optimizer.state[next(self.model.parameters())]
                state["exp_avg_sq"].view(-1)[0] = value


def faulty_trainer(
    folder: Path,
    faults: Mapping[int, tuple[str, float]],
    passing: bool = False,
    steps: int = 60,
    watch: Watch | None = None,
    resume: bool = False,
    save_every: int = 4,
    world: World = ALONE,
) -> Trainer:
    """A trainer of such a regression that keeps every checkpoint."""
    task = Faulty(faults, passing, world)
    task.optimizer = build_optimizer("adamw", task.model.named_parameters(), 0.01)
    settings = LoopSettings(evaluate_every=20, save_every=save_every, log_every=1, keep=1000)
    watch = watch or Watch(WatchSettings())
    plan = Plan(steps, settings, lambda step: 0.01, watch=watch)
    folder.mkdir(exist_ok=True)
    trainer = Trainer(task, task.optimizer, plan, folder, world=world)
    if resume:
        newest = newest_checkpoint(folder / "checkpoints")
        if newest is not None:
            trainer.state = load_checkpoint(newest, task.model, task.optimizer)
        trainer.journal.forget_after(trainer.state.step, trainer.state.batches)
    return trainer


def stored_is_finite(folder: Path) -> bool:
    """Whether every value of every checkpoint of a run is a number."""
    return all(
        bool(values.isfinite().all())
        for path in list_checkpoints(folder / "checkpoints")
        for name in ("model.safetensors", "optimizer.safetensors")
        for values in load_file(path / name).values()
    )


def weights_of(trainer: Trainer) -> list[Tensor]:
    """Weights and moments."""
    model = trainer.trainable.model
    moments = [v for p in model.parameters() for v in trainer.optimizer.state[p].values()]
    return [*(p.detach() for p in model.parameters()), *moments]


def same(a: Trainer, b: Trainer) -> bool:
    """Whether two trainers have the same weights and moments, bit for bit."""
    return all(torch.equal(x, y) for x, y in zip(weights_of(a), weights_of(b), strict=True))


NOT_NUMBERS = (math.nan, math.inf, -math.inf)
