"""Tensors in several files, and the index that says which of them holds which.

The index is taken on distrust: its files lie in its own folder, and must hold what it says and
nothing else.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from litebert.foundation.errors import ModelFolderError
from litebert.foundation.files import read_json
from litebert.weights.mapping import TensorSource, listed
from litebert.weights.stored import Shape

_SEPARATORS = ("/", "\\", ":")
_LONGEST = 255  # bytes of a file's name


class ShardedTensors:
    """The tensors of all the files of an index, as of one."""

    def __init__(self, index: Path, shards: Mapping[str, TensorSource]) -> None:
        """`shards` are the open files by the names that `read_index` gave.

        Raises ModelFolderError where the files and the index disagree.
        """
        self.where = str(index)
        self.shapes: dict[str, Shape] = {}
        self.kinds: dict[str, str] = {}
        self._shards = {tensor: shards[file] for tensor, file in read_index(index).items()}
        for file, shard in shards.items():
            stray = [name for name in shard.shapes if self._shards.get(name) is not shard]
            if stray:
                self._refuse(f"{file} holds {listed(stray)}, which it does not place there")
            self.shapes |= shard.shapes
            self.kinds |= shard.kinds
        if lost := [name for name in self._shards if name not in self.shapes]:
            self._refuse(f"{listed(lost)} are not in the files where it places them")

    def tensor(self, name: str, transposed: bool = False) -> Tensor:
        """A tensor as float32, a matrix transposed on demand."""
        return self._shards[name].tensor(name, transposed)

    def _refuse(self, why: str) -> None:
        raise ModelFolderError(f"{self.where} and its files disagree: {why}: copy all of them anew")


def read_index(index: Path) -> dict[str, str]:
    """The name of the file of each tensor.

    Raises ModelFolderError where the index is damaged, or a file is not in its folder.
    """
    values = read_json(index, ModelFolderError)
    files = values.get("weight_map") if isinstance(values, dict) else None
    if not isinstance(files, dict) or not files:
        raise ModelFolderError(f"{index} is no index of weights: it has no weight_map")
    for file in dict.fromkeys(map(str, files.values())):
        if not _is_plain(file):
            raise ModelFolderError(
                f"{index} names {listed([file])}, which is not a file in its own folder"
            )
        if not (index.parent / file).is_file():
            raise ModelFolderError(f"{index.parent / file} is missing: copy the whole folder")
    return {str(name): str(file) for name, file in files.items()}


def shard_names(index: Path) -> list[str]:
    """The files of an index, each once. Raises as `read_index`."""
    return list(dict.fromkeys(read_index(index).values()))


def _is_plain(name: str) -> bool:
    return (
        0 < len(name.encode("utf-8", "replace")) <= _LONGEST
        and name.isprintable()
        and not name.startswith(".")
        and not any(separator in name for separator in _SEPARATORS)
    )
