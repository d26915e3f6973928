"""Several processes that train one model: who they are, and what they agree on.

Each process (a rank) holds the whole model and computes its slice of every batch. They are started
by `litebert pretrain --processes N` or by torchrun; both say by environment variables who is who.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from litebert.foundation.errors import LitebertError, LostProcessError
from litebert.foundation.progress import silence

DEFAULT_TIMEOUT = 600.0  # seconds
_SOURCE = re.compile(r"\[[^]]*\.(?:cc|cpp|h):\d+\] *")


@dataclass(frozen=True)
class World:
    """The processes of a run, as one of them sees it; alone unless said otherwise.

    Every method but the properties is a collective: all ranks call it, in the same order. They
    raise LostProcessError when another rank has ended or does not answer in time.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks, writes and decides for all."""
        return self.rank == 0

    def sums(self, values: Sequence[float]) -> list[float]:
        """Each value, summed over the ranks."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def largest(self, value: int) -> int:
        """The largest of the ranks' values."""
        return int(self._reduced([value], dist.ReduceOp.MAX)[0])

    def share(self, value: Any) -> Any:
        """What the first rank gives, of the values that JSON has; the others' values are ignored.

        Lists come back for tuples, on every rank.
        """
        if self.size == 1:
            return value
        text = json.dumps(value).encode() if self.first else b""
        size = self.largest(len(text))
        data = torch.zeros(size, dtype=torch.uint8)
        if self.first:
            data = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        self.broadcast([data])
        return json.loads(data.numpy().tobytes())

    def add_up(self, tensor: Tensor) -> None:
        """Sum a tensor over the ranks, in place; every rank gets the same bits."""
        if self.size > 1:
            with _collective():
                dist.all_reduce(tensor)

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Give every rank the first rank's values, in place."""
        if self.size > 1:
            with _collective():
                for tensor in tensors:
                    dist.broadcast(tensor, 0)

    def _reduced(self, values: Sequence[float], operation: Any) -> list[float]:
        if self.size == 1:
            return list(values)
        # Numbers travel over gloo, on a machine with GPUs too: they never wait for a GPU.
        tensor = torch.tensor(values, dtype=torch.float64)
        with _collective():
            dist.all_reduce(tensor, operation)
        return list(tensor.tolist())


ALONE = World()


def started_by_launcher() -> bool:
    """Whether a launcher started this process as one of a group, be it of one."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def restarted() -> bool:
    """Whether torchrun has started this group anew after one of its processes had failed."""
    return _restarts() != "0"


def speaks() -> bool:
    """Whether this process is the one that prints results."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined_world(timeout: float = DEFAULT_TIMEOUT) -> Iterator[World]:
    """The world that the launcher's environment variables describe, while the block runs.

    `timeout`: seconds after which a rank that does not answer counts as lost. Other ranks than the
    first fall silent, and say which they are where they fail. Raises LostProcessError when not all
    ranks come together in time.
    """
    if not started_by_launcher() or int(os.environ["WORLD_SIZE"]) == 1:
        yield ALONE
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    local_rank = int(os.environ.get("LOCAL_RANK", rank))
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    if rank > 0:
        silence()
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _collective():
        patience = timedelta(seconds=timeout)
        store = _store_of_this_start(rank, size, patience)
        dist.init_process_group(backend, timeout=patience, store=store, rank=rank, world_size=size)
    try:
        yield World(rank, size, local_rank, local_size)
    except LitebertError as error:
        if rank == 0:
            raise
        raise type(error)(f"{error} (process {rank + 1} of {size})") from error
    # After an error the group is left as it is: ending it may wait for a rank that is no more.
    dist.destroy_process_group()


def _store_of_this_start(rank: int, size: int, timeout: timedelta) -> PrefixStore:
    """Where the ranks leave their addresses for each other, apart from those of earlier starts.

    torchrun has one store for all its restarts: without a prefix of its own a rank may find the
    address that a lost one left there, and be refused.
    """
    store, _, _ = next(rendezvous("env://", rank, size, timeout=timeout))
    store.set_timeout(timeout)
    return PrefixStore(f"start/{_restarts()}", store)


def _restarts() -> str:
    """How often torchrun has started this group anew."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")


@contextmanager
def _collective() -> Iterator[None]:
    """Say in one line what torch's network errors mean."""
    try:
        yield
    except RuntimeError as error:  # torch.distributed.DistError is one, and gloo raises plain ones
        # The first sentence, without the place in torch's source.
        reason = _SOURCE.sub("", str(error).strip()).partition("\n")[0].partition(". ")[0]
        raise LostProcessError(
            "another process of this run has ended, or did not answer in time; the checkpoints "
            f"are whole, and --resume goes on from the newest ({reason})"
        ) from error
