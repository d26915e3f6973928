"""Checkpoints: complete or absent, checksummed, and without any pickle.

`checkpoints/step-00000500/` holds `model.safetensors`, `optimizer.safetensors`, `state.json` and,
written last, `manifest.json`. The folder appears by one rename. Nothing in it depends on the number
of processes.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from litebert.foundation.errors import CheckpointError
from litebert.foundation.files import atomic_folder, read_json, verify_manifest, write_json
from litebert.foundation.files import write_manifest as finish
from litebert.foundation.randomness import Position
from litebert.training.watch import WatchState

CHECKPOINTS = "checkpoints"  # the folder in a run folder
_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True)
class TrainingState:
    """Everything beside weights and optimiser moments that must survive a restart.

    `batches` counts those drawn, in every attempt; `position` is where the next one is.
    """

    step: int = 0
    position: Position = field(default_factory=Position)
    tokens: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int | None = None
    evaluations_since_best: int = 0
    batches: int = 0
    watch: WatchState = field(default_factory=WatchState)

    def advanced(self, **changes: Any) -> "TrainingState":
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """The state as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TrainingState":
        """The state that `as_json` gave; what an older version did not know has its default."""
        watch = WatchState.from_json(values.get("watch", {}))
        return cls(**{**values, "position": Position(*values["position"]), "watch": watch})


@dataclass(frozen=True)
class Snapshot:
    """Copies of a model's weights and an optimiser's moments, in the memory of the machine."""

    weights: dict[str, Tensor]
    moments: dict[str, Tensor]

    @classmethod
    def take(cls, model: nn.Module, optimizer: torch.optim.Optimizer) -> "Snapshot":
        """Copy what there is now."""
        weights = {name: _copy(p) for name, p in model.named_parameters()}
        moments = {
            f"{name}/{slot}": _copy(value)
            for name, parameter in model.named_parameters()
            for slot, value in optimizer.state.get(parameter, {}).items()
        }
        return cls(weights, moments)

    @property
    def bytes(self) -> int:
        """How much there is to write."""
        return sum(
            t.numel() * t.element_size() for t in (*self.weights.values(), *self.moments.values())
        )

    @property
    def finite(self) -> bool:
        """Whether every value is a number."""
        return all(_finite(t) for t in (*self.weights.values(), *self.moments.values()))


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies inside the folder of checkpoints."""
    return folder / f"step-{step:08d}"


def step_of(path: Path) -> int:
    """The step of a checkpoint, by its name."""
    return int(path.name.removeprefix("step-"))


def write_checkpoint(folder: Path, snapshot: Snapshot, state: TrainingState) -> Path:
    """Write the checkpoint of `state.step`; an equal one already there is kept.

    Raises StorageError when it cannot be written; nothing half-written stays.
    """
    path = checkpoint_path(folder, state.step)
    if is_complete(path):
        return path
    with atomic_folder(path, replace=True, needed=snapshot.bytes) as temporary:
        save_file(snapshot.weights, temporary / "model.safetensors")
        save_file(snapshot.moments, temporary / "optimizer.safetensors")
        write_json(temporary / "state.json", state.as_json())
        finish(temporary)
    return path


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> TrainingState:
    """Put a checkpoint's weights, and moments if asked, in place; return its state.

    Raises CheckpointError when it is incomplete, damaged, or of another model.
    """
    verify_manifest(path, CheckpointError)
    parameters = dict(model.named_parameters())
    weights = _read(path / "model.safetensors")
    if weights.keys() != parameters.keys():
        odd = sorted(weights.keys() ^ parameters.keys())
        raise CheckpointError(f"{path} is of another model: {', '.join(odd[:5])} do not match")
    with torch.no_grad():
        for name, parameter in parameters.items():
            if weights[name].shape != parameter.shape:
                shapes = f"{tuple(weights[name].shape)} and {tuple(parameter.shape)}"
                raise CheckpointError(f"{path} is of another model: {name} has shapes {shapes}")
            parameter.copy_(weights[name])
    if optimizer is not None:
        optimizer.state.clear()
        for key, tensor in _read(path / "optimizer.safetensors").items():
            name, _, slot = key.rpartition("/")
            parameter = parameters[name]  # fused kernels want all of a state on its device
            optimizer.state[parameter][slot] = tensor.to(parameter.device)
    return read_state(path)


def read_state(path: Path) -> TrainingState:
    """The state of a checkpoint, without its weights. Raises CheckpointError."""
    return TrainingState.from_json(read_json(path / "state.json", CheckpointError))


def is_complete(path: Path) -> bool:
    """Whether a checkpoint folder is there and whole, by its manifest."""
    try:
        verify_manifest(path, CheckpointError)
    except CheckpointError:
        return False
    return True


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run by their names, oldest first, complete or not."""
    found = [path for path in folder.glob("step-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of)


def newest_checkpoint(
    folder: Path, until: int | None = None, damaged: Callable[[str], None] | None = None
) -> Path | None:
    """The newest complete checkpoint up to the step `until`, None where none was ever written.

    `damaged` is told of each that is passed over. Raises CheckpointError when checkpoints are
    there but none is whole.
    """
    found = [path for path in list_checkpoints(folder) if until is None or step_of(path) <= until]
    problem = None
    for path in reversed(found):
        try:
            verify_manifest(path, CheckpointError)
        except CheckpointError as error:
            problem = problem or error
            if damaged is not None:
                damaged(str(error))
        else:
            return path
    if problem is not None:
        raise problem
    return None


def prune_checkpoints(
    folder: Path, state: TrainingState, keep: int, keep_every: int | None = None
) -> None:
    """Remove all but the `keep` newest checkpoints up to `state.step`, the best, every n-th step's,
    and, while the watch has its doubts, the newest from before them.

    Later ones are damaged, or the run would have gone on from them: they take no other's place.
    """
    earlier = [path for path in list_checkpoints(folder) if step_of(path) <= state.step]
    kept = {step_of(path) for path in earlier[-keep:]} | {state.best_step}
    if keep_every is not None:
        kept |= {step_of(path) for path in earlier if step_of(path) % keep_every == 0}
    if (since := state.watch.suspect_since) is not None:
        kept |= set([step_of(path) for path in earlier if step_of(path) < since][-1:])
    for path in earlier:
        if step_of(path) not in kept:
            shutil.rmtree(path)


def remove_later(folder: Path, step: int) -> None:
    """Remove the checkpoints after `step`, to which a run has gone back."""
    for path in list_checkpoints(folder):
        if step_of(path) > step:
            shutil.rmtree(path)


def _finite(tensor: Tensor) -> bool:
    """Whether every value is a number: training waits for this, and a sum says so at once.

    Only where it overflows must each value be looked at.
    """
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
