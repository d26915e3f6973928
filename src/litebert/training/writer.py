"""Writes checkpoints in a thread of its own: training waits for the copy of the weights alone."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from litebert.training.checkpoint import (
    Snapshot,
    TrainingState,
    prune_checkpoints,
    write_checkpoint,
)


class CheckpointWriter:
    """Writes one checkpoint at a time into a folder, and removes those no longer kept.

    Use it as a context manager: leaving it waits for the save in flight. What went wrong with a
    save is raised, as StorageError, by the next call or on leaving.
    """

    def __init__(self, folder: Path, keep: int, keep_every: int | None = None) -> None:
        self.folder = folder
        self._keep = keep
        self._keep_every = keep_every
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._in_flight: Future[None] | None = None

    def save(self, snapshot: Snapshot, state: TrainingState) -> None:
        """Begin to write a checkpoint, once the one before it is written."""
        self.wait()
        self._in_flight = self._thread.submit(self._write, snapshot, state)

    def wait(self) -> None:
        """Until nothing is being written; raises what went wrong."""
        if self._in_flight is not None:
            self._in_flight.result()
            self._in_flight = None

    def _write(self, snapshot: Snapshot, state: TrainingState) -> None:
        write_checkpoint(self.folder, snapshot, state)
        prune_checkpoints(self.folder, state, self._keep, self._keep_every)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()
        if kind is None:  # an error on its way says more than that of a save
            self.wait()
