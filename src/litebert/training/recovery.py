"""Going back: to a checkpoint from before the trouble, on every process alike."""

from pathlib import Path

import torch
from torch import nn

from litebert.training.checkpoint import (
    Snapshot,
    TrainingState,
    load_checkpoint,
    newest_checkpoint,
    remove_later,
    write_checkpoint,
)
from litebert.training.distributed import World
from litebert.training.replicas import replicate
from litebert.training.watch import WatchState

SOON = 8  # steps after going back: trouble that begins within them is older than the checkpoint


def go_back(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    watch: WatchState,
    world: World,
) -> TrainingState | None:
    """Load the newest whole checkpoint from before `watch` became suspicious; return its state.

    Where the last return to a checkpoint did not help, an older one is taken if there is one. Later
    checkpoints are removed. Returns None where there is nothing to go back to; raises
    CheckpointError where all that is there is damaged.
    """
    state = None
    if world.first:
        path = _good_checkpoint(folder, watch)
        if path is not None:
            state = load_checkpoint(path, model, optimizer)
            remove_later(folder, state.step)
    values = world.share(None if state is None else state.as_json())
    if values is None:
        return None
    replicate(world, model, optimizer)
    return TrainingState.from_json(values)


def begin_again(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, stuck: TrainingState
) -> TrainingState:
    """Give up the checkpoints in `folder`, for `model`, which has its first weights again.

    The state to go on from is saved as the checkpoint of step 0; it counts the restarts.
    """
    optimizer.state.clear()
    remove_later(folder, -1)
    watch = WatchState(restarts=stuck.watch.restarts + 1)
    state = TrainingState(batches=stuck.batches, seconds=stuck.seconds, watch=watch)
    write_checkpoint(folder, Snapshot.take(model, optimizer), state)
    return state


def _good_checkpoint(folder: Path, watch: WatchState) -> Path | None:
    since = watch.suspect_since
    assert since is not None
    before = watch.rewound_to
    if before is not None and before < since <= before + SOON:
        older = newest_checkpoint(folder, until=before - 1)
        if older is not None:
            return older
    return newest_checkpoint(folder, until=since - 1)
