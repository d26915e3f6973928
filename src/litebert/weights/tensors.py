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
from litebert.weights.bundle_entries import KINDS
from litebert.weights.stored import Shape

_ALIGNMENT = 8  # of the header's length, in bytes
_LARGEST_HEADER = 16 << 20  # bytes; a BERT's is some 50,000
_NAMES = {kind.dtype: kind.name for kind in KINDS}


class TensorFile:
    """An open safetensors file: its tensors' shapes, and the tensors as float32 when asked for.

    `where` replaces the path in messages, `watch` is told of the bytes that are read of tensors.
    Raises ModelFolderError when the file is missing, cut short or not safetensors.
    """

    def __init__(
        self, path: Path, where: str | None = None, watch: Callable[[int], None] | None = None
    ) -> None:
        self.where = where or str(path)
        self._watch = watch
        if not path.is_file():
            raise ModelFolderError(f"{path} is missing: {_instead(path.parent)}")
        try:
            with path.open("rb") as start:
                if int.from_bytes(start.read(8), "little") > _LARGEST_HEADER:
                    raise self._damaged("a header of far too many bytes")
            # Read, not mapped into memory: pages of a file would count beside the tensors, and a
            # file that is cut short meanwhile would end the process.
            file: Any = safe_open(path, framework="pt", backend="pread")
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            self._file = file
            self.shapes: dict[str, Shape] = {n: tuple(s.get_shape()) for n, s in slices.items()}
            self.kinds: dict[str, str] = {n: str(s.get_dtype()) for n, s in slices.items()}
        except (SafetensorError, OSError) as error:
            raise self._damaged(error) from None

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
        try:
            stored: Tensor = self._file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise self._damaged(error) from None
        if self._watch is not None:
            self._watch(stored.nbytes)
        return (stored.T if transposed else stored).to(torch.float32).contiguous()

    def _damaged(self, why: object) -> ModelFolderError:
        return ModelFolderError(
            f"{self.where} is cut short, damaged or not a safetensors file ({why})"
        )


class Storable(NamedTuple):
    """A tensor to be written: its shape, and where to get it when its turn comes."""

    shape: Shape
    get: Callable[[], Tensor]
    dtype: torch.dtype = torch.float32


def write_tensors(path: Path, tensors: Mapping[str, Storable]) -> None:
    """Write tensors as a safetensors file, fetching one at a time.

    The bytes are those of safetensors' own writer, which needs all tensors in memory twice.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    for name in names:
        shape, _, dtype = tensors[name]
        begin, end = end, end + dtype.itemsize * torch.Size(shape).numel()
        entry = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
        header[name] = entry
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for name in names:
            _write(file, name, tensors[name])


def _write(file: IO[bytes], name: str, storable: Storable) -> None:
    tensor = storable.get().detach().to("cpu", storable.dtype).contiguous()
    assert tuple(tensor.shape) == storable.shape, name
    file.write(tensor.view(-1).view(torch.uint8).numpy().data)


def _instead(folder: Path) -> str:
    """What to do about a folder without model.safetensors, by what it has instead."""
    if list(folder.glob("*.safetensors*")) or list(folder.glob("*.bin")):
        return f"run litebert import huggingface {folder} on it first"
    if list(folder.glob("*.index")):
        return f"run litebert import google {folder} on it first"
    return "copy the whole model folder"
