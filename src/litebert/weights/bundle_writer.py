"""Writing TensorFlow's checkpoints ("tensor bundles"), byte for byte as TensorFlow writes them.

One file of tensors by ascending name, their index, and the text file `checkpoint` that names the
latest prefix in its folder.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import google_crc32c
import torch
from torch import Tensor

from litebert.foundation.files import atomic_file
from litebert.weights.bundle_entries import Shape, entry_of, header
from litebert.weights.table_file import mask, table

CHECKPOINT_FILE = "checkpoint"
_CHUNK = 4 << 20  # bytes written at a time


class Variable(NamedTuple):
    """One tensor to be written; `tensor` is called when its turn comes, and let go after."""

    name: str
    shape: Shape
    tensor: Callable[[], Tensor]


def write_bundle(prefix: Path, variables: Iterable[Variable]) -> None:
    """Write the checkpoint `prefix`: its index last, so that it is whole or not there.

    Tensors keep their types (KINDS); a transposed view is written without a second copy of it.
    Raises StorageError when the place cannot be written.
    """
    ordered = sorted(variables, key=lambda variable: variable.name.encode("utf-8"))
    entries = [(b"", header())]
    offset = 0
    with atomic_file(prefix.with_name(f"{prefix.name}.data-00000-of-00001")) as file:
        for name, shape, make in ordered:
            tensor = make().detach()
            assert tuple(tensor.shape) == shape, f"{name} is {tuple(tensor.shape)}, not {shape}"
            crc, size = 0, 0
            for piece in _pieces(tensor):
                raw = piece.cpu().contiguous().view(torch.uint8).numpy()
                crc = google_crc32c.extend(crc, raw)
                size += len(raw)
                file.write(raw)
            entry = entry_of(shape, tensor.dtype, offset, size, mask(crc))
            entries.append((name.encode("utf-8"), entry))
            offset += size
    with atomic_file(prefix.with_name(f"{prefix.name}.index")) as file:
        file.write(table(entries))
    with atomic_file(prefix.with_name(CHECKPOINT_FILE), "w") as file:
        file.write(f'model_checkpoint_path: "{prefix.name}"\n')
        file.write(f'all_model_checkpoint_paths: "{prefix.name}"\n')


def _pieces(tensor: Tensor) -> Iterable[Tensor]:
    """A tensor's numbers in order, some rows at a time, each piece flat."""
    if tensor.dim() < 2:
        return [tensor.reshape(-1)]
    row = max(1, tensor[:1].numel() * tensor.dtype.itemsize)
    return (rows.reshape(-1) for rows in torch.split(tensor, max(1, _CHUNK // row)))
