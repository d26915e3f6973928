"""Safetensors files: read lazily, tensor by tensor; written without a second copy in memory."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from litebert.foundation.errors import ModelFolderError
from litebert.weights.stored import Shape

_ALIGNMENT = 8  # of the header's length, in bytes
_FLOAT = 4  # bytes


class TensorFile:
    """An open safetensors file: its tensors' shapes, and the tensors as float32 when asked for.

    Raises ModelFolderError when the file is missing, cut short or not safetensors.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
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

    def tensor(self, name: str, transposed: bool = False) -> Tensor:
        """A tensor in memory of its own, so that the file may change or go."""
        stored: Tensor = self._file.get_tensor(name)
        if transposed:
            stored = stored.T
        return stored.to(torch.float32, copy=True, memory_format=torch.contiguous_format)


class Storable(NamedTuple):
    """A tensor to be written: its shape, and where to get it when its turn comes."""

    shape: Shape
    get: Callable[[], Tensor]


def write_tensors(path: Path, tensors: Mapping[str, Storable]) -> None:
    """Write float32 tensors as a safetensors file, fetching one at a time.

    The bytes are those of safetensors' own writer, which needs all tensors in memory twice.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors):
        shape = tensors[name].shape
        begin, end = end, end + _FLOAT * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for name in sorted(tensors):
            _write(file, name, tensors[name])


def _write(file: IO[bytes], name: str, storable: Storable) -> None:
    tensor = storable.get().detach().to("cpu", torch.float32).contiguous()
    assert tuple(tensor.shape) == storable.shape, name
    file.write(tensor.numpy().data)


def _instead(folder: Path) -> str:
    """What to do about a folder without model.safetensors, by what it has instead."""
    if list(folder.glob("*.safetensors*")) or list(folder.glob("*.bin")):
        return f"run litebert import huggingface {folder} on it first"
    if list(folder.glob("*.index")):
        return f"run litebert import google {folder} on it first"
    return "copy the whole model folder"
