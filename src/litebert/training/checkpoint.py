"""Checkpoints: complete or absent, checksummed, and without any pickle.

`checkpoints/step-00000500/` holds `model.safetensors`, `optimizer.safetensors`, `state.json` and,
written last, `manifest.json`. The folder appears by one rename.
"""

import re
import shutil
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

CHECKPOINTS = "checkpoints"  # the folder in a run folder
_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True)
class TrainingState:
    """Everything beside weights and optimiser moments that must survive a restart."""

    step: int = 0
    position: Position = field(default_factory=Position)
    tokens: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int | None = None
    evaluations_since_best: int = 0

    def advanced(self, **changes: Any) -> "TrainingState":
        """A copy with some fields replaced."""
        return replace(self, **changes)


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies inside the folder of checkpoints."""
    return folder / f"step-{step:08d}"


def step_of(path: Path) -> int:
    """The step of a checkpoint, by its name."""
    return int(path.name.removeprefix("step-"))


def save_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: TrainingState
) -> Path:
    """Write the checkpoint of `state.step`; an equal one already there is kept.

    Raises StorageError when it cannot be written; nothing half-written stays.
    """
    path = checkpoint_path(folder, state.step)
    if is_complete(path):
        return path
    with atomic_folder(path, replace=True) as temporary:
        weights = {name: p.detach().cpu().contiguous() for name, p in model.named_parameters()}
        save_file(weights, temporary / "model.safetensors")
        save_file(_optimizer_tensors(model, optimizer), temporary / "optimizer.safetensors")
        write_json(temporary / "state.json", asdict(state))
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
        for key, tensor in _read(path / "optimizer.safetensors").items():
            name, _, slot = key.rpartition("/")
            parameter = parameters[name]  # fused kernels want all of a state on its device
            optimizer.state[parameter][slot] = tensor.to(parameter.device)
    values = read_json(path / "state.json", CheckpointError)
    return TrainingState(**{**values, "position": Position(*values["position"])})


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


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint, or None where no checkpoint was ever written.

    Raises CheckpointError when checkpoints are there but none is whole.
    """
    found = list_checkpoints(folder)
    for path in reversed(found):
        if is_complete(path):
            return path
    if found:
        verify_manifest(found[-1], CheckpointError)  # says what is wrong with the newest
    return None


def prune_checkpoints(folder: Path, state: TrainingState, keep: int) -> None:
    """Remove all but the `keep` newest checkpoints up to `state.step`, and the best.

    Later ones are damaged, or the run would have gone on from them: they take no other's place.
    """
    earlier = [path for path in list_checkpoints(folder) if step_of(path) <= state.step]
    for path in earlier[:-keep]:
        if step_of(path) != state.best_step:
            shutil.rmtree(path)


def _optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        for slot, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{name}/{slot}"] = value.detach().cpu().contiguous()
    return tensors


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
