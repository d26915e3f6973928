"""Reading a safetensors file against the form that is expected of it."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ModelFolderError
from litebert.weights.names import is_constant
from litebert.weights.stored import Shape, StoredForm, identity

_FLOATS = ("F64", "F32", "F16", "BF16")
_SHOWN = 6  # names listed of each kind of fault


class TensorFile:
    """An open safetensors file: its tensors' shapes, and the tensors as float32 when asked for.

    Raises ModelFolderError when the file is missing, cut short or not safetensors.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise ModelFolderError(f"{path} is missing: {_instead(path.parent)}")
        try:
            file: Any = safe_open(path, framework="pt")
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            self._file = file
            self.shapes: dict[str, Shape] = {n: tuple(s.get_shape()) for n, s in slices.items()}
            self.kinds: dict[str, str] = {n: str(s.get_dtype()) for n, s in slices.items()}
        except (SafetensorError, OSError) as error:
            raise ModelFolderError(
                f"{path} is cut short, damaged or not a safetensors file ({error})"
            ) from None

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def tensor(self, name: str) -> Tensor:
        """A tensor in memory of its own, so that the file may change or go."""
        stored: Tensor = self._file.get_tensor(name)
        return stored.to(torch.float32, copy=True, memory_format=torch.contiguous_format)


def check_depth(config: EncoderConfig, file: TensorFile) -> None:
    """Raise ModelFolderError when there are more layers in the configuration than in the file."""
    shared = config.sharing == "all"
    sets = config.num_hidden_groups if shared else config.num_hidden_layers
    if sets * config.inner_group_num > len(file.shapes):
        raise ModelFolderError(
            f"{file.path} does not fit its config.json, which asks for "
            f"{sets * config.inner_group_num} layers"
        )


def read_parameters(file: TensorFile, form: StoredForm, prefix: str = "") -> dict[str, Tensor]:
    """Our parameters from a file that must hold exactly `form`, copies that must be equal checked.

    With a `prefix` (of an encoder's names in a file with heads), other names are passed over. A
    parameter that the form does not store is left out. Raises ModelFolderError listing the tensors
    that are missing, unexpected, wrong-shaped, of another kind than floats, or unequal.
    """
    if not any(name.startswith(prefix) for name in file.shapes):
        prefix = ""
    present = {
        name.removeprefix(prefix): name
        for name in file.shapes
        if name.startswith(prefix) and not is_constant(name)
    }
    _check_fit(file, form, present)
    holders: dict[str, list[str]] = defaultdict(list)
    for name, ours in form.parameters.items():
        holders[ours].append(name)
    for copy, name in form.tied.items():
        if copy in present:
            holders[form.parameters[name]].append(copy)
    state: dict[str, Tensor] = {}
    unequal: list[str] = []
    for ours, names in holders.items():
        state[ours] = file.tensor(present[names[0]])
        unequal += [n for n in names[1:] if not torch.equal(state[ours], file.tensor(present[n]))]
    for name, shape in form.identity.items():
        if not torch.equal(file.tensor(present[name]), identity(shape)):
            unequal.append(name)
    if unequal:
        raise ModelFolderError(
            f"{file.path}: {_listed(unequal)} differ from the tensors they must be equal to "
            "(shared parameters are stored as copies, no projection as the identity): "
            "the file was altered, or is of a model that litebert does not have"
        )
    return state


def _check_fit(file: TensorFile, form: StoredForm, present: dict[str, str]) -> None:
    """Raise one error that lists all that is wrong with the names, shapes and kinds."""
    required = {**form.shapes, **form.identity}
    shapes = {**required, **{copy: form.shapes[of] for copy, of in form.tied.items()}}
    both = [name for name in shapes if name in present]
    wrong = [
        f"{name} {file.shapes[present[name]]} instead of {shapes[name]}"
        for name in both
        if file.shapes[present[name]] != shapes[name]
    ]
    faults = {
        "missing": [name for name in required if name not in present],
        "unexpected": [name for name in present if name not in shapes],
        "of the wrong shape": wrong,
        "not floating-point": [n for n in both if file.kinds[present[n]] not in _FLOATS],
    }
    said = [f"{len(names)} {fault}: {_listed(names)}" for fault, names in faults.items() if names]
    if said:
        raise ModelFolderError(f"{file.path} does not fit its config.json; {'; '.join(said)}")


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _instead(folder: Path) -> str:
    """What to do about a folder without model.safetensors, by what it has instead."""
    if list(folder.glob("*.safetensors.index.json")):
        return "its weights are in several files, save them as one"
    if list(folder.glob("*.bin")):
        return "its weights are pickled, which litebert never opens; save them as safetensors"
    return "copy the whole model folder"
