"""What tests have several processes do together."""

import json
import math
import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from faulty import faulty_trainer
from litebert.foundation.errors import LostProcessError
from litebert.optim import build_optimizer
from litebert.training.distributed import World, joined_world
from litebert.training.loop import Plan, Trainer
from litebert.training.replicas import replicate, sum_gradients
from litebert.training.settings import LoopSettings
from litebert.training.watch import Watch, WatchSettings
from regression import Regression


def collectives(folder: Path) -> int:
    """Write down what each collective gave this rank."""
    with joined_world(60) as world:
        tensor = torch.full((3,), float(world.rank + 1))
        world.add_up(tensor)
        shared = world.share({"text": "ü" * 3, "list": [1, 2.5, None]} if world.first else "?")
        found = {
            "rank": [world.rank, world.size, world.local_rank, world.local_size, world.first],
            "sums": world.sums([world.rank, 0.5]),
            "largest": world.largest(world.rank * 7),
            "shared": shared,
            "added": tensor.tolist(),
        }
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found))
    return 0


def train_regression(folder: Path, batch_size: int, micro_batch_size: int, steps: int) -> int:
    """Train a regression with the watch, one that begins elsewhere on every rank but the first."""
    with joined_world(60) as world:
        task = Regression(batch_size, micro_batch_size, world=world)
        optimizer = build_optimizer("torch-adamw", task.model.named_parameters(), 0.05)
        if not world.first:
            nn.init.zeros_(task.model[0].weight)
        replicate(world, task.model, optimizer)
        settings = LoopSettings(evaluate_every=5, log_every=1)
        plan = Plan(steps, settings, lambda step: 0.05, watch=Watch(WatchSettings()))
        Trainer(task, optimizer, plan, folder, world=world).run()
        weights = {name: p.detach() for name, p in task.model.named_parameters()}
        save_file(weights, folder / f"{world.rank}.safetensors")
        (folder / f"{world.rank}.json").write_text(json.dumps(task.served))
    return 0


def train_faulty(folder: Path, place: str, rank: int) -> int:
    """Train a regression one of whose ranks has a value that is no number put somewhere, once."""
    with joined_world(60) as world:
        faults = {21: (place, math.nan)} if world.rank == rank else {}
        trainer = faulty_trainer(folder, faults, passing=True, steps=40, world=world)
        trainer.run()
        weights = {name: p.detach() for name, p in trainer.trainable.model.named_parameters()}
        save_file(weights, folder / f"{world.rank}.safetensors")
        state = trainer.state.advanced(seconds=0.0).as_json()
        (folder / f"{world.rank}.json").write_text(json.dumps(state))
    return 0


def replicate_a_beginning(folder: Path) -> int:
    """The second rank has moments of a step, the first one none, as a checkpoint of step 0 has."""
    with joined_world(60) as world:
        weight = nn.Parameter(torch.ones(2))
        optimizer = build_optimizer("torch-adamw", [("weight", weight)], 0.05)
        if not world.first:
            weight.grad = torch.ones(2)
            optimizer.step()
        replicate(world, nn.ParameterDict({"weight": weight}), optimizer)
        found = [weight.tolist(), len(optimizer.state)]
        (folder / f"{world.rank}.json").write_text(json.dumps(found))
    return 0


def sum_uneven_gradients(folder: Path) -> int:
    """Sum gradients of which one parameter has none on the second rank, and one has none at all."""
    with joined_world(60) as world:
        both, one, none = (nn.Parameter(torch.zeros(2, 2)) for _ in range(3))
        both.grad = torch.full((2, 2), 1.0 + world.rank).t()
        if world.first:
            one.grad = torch.ones(2, 2)
        (total,) = sum_gradients(world, [both, one, none], [torch.tensor(2.0 + world.rank)])
        found = [both.grad.tolist(), one.grad.tolist(), none.grad is None, float(total)]
        (folder / f"{world.rank}.json").write_text(json.dumps(found))
    return 0


def lose_the_other(folder: Path, how: int) -> int:
    """The second rank gets a signal; the first one waits for it, and says what became of that."""
    try:
        with joined_world(5) as world:
            world.sums([1.0])
            if world.rank == 1:
                os.kill(os.getpid(), how)
            _wait_for_all(world)
    except LostProcessError as error:
        (folder / "lost").write_text(str(error))
        return 3
    return 0


def _wait_for_all(world: World) -> None:
    for _ in range(1000):
        world.sums([1.0])
