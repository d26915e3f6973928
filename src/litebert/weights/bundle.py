"""Reading TensorFlow's checkpoints ("tensor bundles") without TensorFlow.

A checkpoint PREFIX is `PREFIX.index`, a table of names and places, and one or more files
`PREFIX.data-00000-of-00001` with the tensors' bytes one behind the other. Everything is taken on
distrust: whatever the index says, no more is read or allocated than the files hold, no other file
is opened, and each tensor's checksum is tested.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import google_crc32c
import torch
from torch import Tensor

from litebert.foundation.errors import ModelFolderError
from litebert.foundation.wire import WireError
from litebert.weights.bundle_entries import BundleEntry, Shape, read_entry, read_header
from litebert.weights.table_file import mask, read_table

CHUNK = 4 << 20  # bytes read at a time


class Bundle:
    """An open checkpoint: its tensors' shapes and kinds, and the tensors when asked for.

    `where` is its prefix. `kinds` has safetensors' words: "F32", "BF16", "I64" … `watch` is told of
    the bytes that are read of tensors.
    Raises ModelFolderError when a file is missing, cut short, damaged or of another format.
    """

    def __init__(self, prefix: Path, watch: Callable[[int], None] | None = None) -> None:
        self.where = str(prefix)
        self._watch = watch
        self._prefix = prefix
        self.index = prefix.with_name(f"{prefix.name}.index")
        entries = read_table(self.index)
        try:
            self._shards, self._entries = _parsed(entries)
        except (WireError, UnicodeDecodeError) as error:
            raise ModelFolderError(
                f"{self.index} is damaged or not read by litebert ({error}): "
                "fetch or copy the checkpoint again"
            ) from None
        self.shapes: dict[str, Shape] = {name: e.shape for name, e in self._entries.items()}
        self.kinds: dict[str, str] = {name: e.kind_name for name, e in self._entries.items()}
        self._open_files = ExitStack()
        self._files: dict[int, BufferedReader] = {}
        try:
            self._open_shards()
        except BaseException:
            self._open_files.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open_files.close()

    def tensor(self, name: str, transposed: bool = False) -> Tensor:
        """A tensor in memory of its own: float32, or int64 where whole numbers are stored.

        A matrix is `transposed` while it is read, so that no second copy of it is needed. Raises
        ModelFolderError when its checksum is wrong or it holds no numbers.
        """
        entry = self._entries[name]
        kind = entry.kind
        if kind is None:
            self._refuse(entry, f"{name} holds {entry.kind_name}, no numbers")
        if transposed and len(entry.shape) != 2:
            self._refuse(entry, f"{name} has the shape {entry.shape}: it is no matrix")
        shape = entry.shape[::-1] if transposed else entry.shape
        result = torch.empty(shape, dtype=_read_as(kind.dtype))
        crc = 0
        flat = None if transposed else result.view(-1)
        width = max(1, entry.shape[1]) if transposed else 1
        done = 0  # numbers (or, transposed, rows) read so far
        for chunk, raw in self._chunks(entry, kind.dtype, width):
            crc = google_crc32c.extend(crc, raw)
            if flat is not None:
                flat[done : done + len(chunk)] = chunk
            else:
                _place_transposed(result, chunk.view(-1, width), done)
            done += len(chunk) // width
        if mask(crc) != entry.checksum:
            self._refuse(entry, f"the checksum of {name} is wrong")
        return result

    def _chunks(
        self, entry: BundleEntry, dtype: torch.dtype, width: int
    ) -> Iterator[tuple[Tensor, Any]]:
        """The numbers of a tensor in whole rows of `width`, some megabytes at a time, and their
        bytes; each is gone when the next comes.
        """
        row = width * dtype.itemsize
        buffer = torch.empty(min(max(CHUNK // row, 1) * row, entry.size), dtype=torch.uint8)
        raw = buffer.numpy()
        file, left = self._files[entry.shard], entry.size
        try:
            file.seek(entry.offset)
            while left:
                size = min(left, len(raw))
                if file.readinto(raw[:size].data) != size:
                    self._refuse(entry, "the file was cut short while it was read")
                yield buffer[:size].view(dtype), raw[:size]
                left -= size
                if self._watch is not None:
                    self._watch(size)
        except OSError as error:
            self._refuse(entry, f"it cannot be read: {error.strerror or error}")

    def _open_shards(self) -> None:
        """Open the files that the entries name, and check that each entry lies in its file."""
        ends: dict[int, int] = {}
        lengths: dict[int, int] = {}
        for name, entry in sorted(
            self._entries.items(), key=lambda item: (item[1].shard, item[1].offset, item[1].size)
        ):
            if entry.shard not in self._files:
                if entry.shard >= self._shards:
                    self._refuse(entry, f"{name} should lie in a file that is none of the set")
                file = self._files[entry.shard] = self._open(self._path(entry.shard))
                lengths[entry.shard] = file.seek(0, 2)
            if entry.offset + entry.size > lengths[entry.shard]:
                self._refuse(entry, f"it is cut short: {name} lies beyond its end")
            if entry.offset < ends.get(entry.shard, 0):
                self._refuse(entry, f"{name} overlaps the tensor before it")
            if not entry.fits:
                self._refuse(entry, f"{name} {entry.shape} does not have {entry.size:,} bytes")
            ends[entry.shard] = entry.offset + entry.size

    def _path(self, shard: int) -> Path:
        return self._prefix.with_name(f"{self._prefix.name}.data-{shard:05d}-of-{self._shards:05d}")

    def _open(self, path: Path) -> BufferedReader:
        if not path.is_file():
            raise ModelFolderError(f"{path} is missing: copy all files of the checkpoint")
        try:
            return self._open_files.enter_context(open(path, "rb"))
        except OSError as error:
            raise ModelFolderError(f"{path} cannot be read: {error.strerror or error}") from None

    def _refuse(self, entry: BundleEntry, why: str) -> NoReturn:
        raise ModelFolderError(
            f"{self._path(entry.shard)} and its index disagree, or one is damaged; {why}: "
            "fetch or copy the checkpoint again"
        )


def _parsed(table: list[tuple[bytes, bytes]]) -> tuple[int, dict[str, BundleEntry]]:
    """The number of shards, and the entries by name. Raises WireError."""
    if not table or table[0][0]:
        raise WireError("no header")
    shards = read_header(table[0][1])
    entries: dict[str, BundleEntry] = {}
    for key, value in table[1:]:
        entry = read_entry(value)
        if entry.sliced or key.startswith(b"\0"):
            raise WireError("a variable stored in slices, which litebert does not put together")
        entries[key.decode("utf-8")] = entry
    return shards, entries


def _read_as(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype.is_floating_point else torch.int64


def _place_transposed(result: Tensor, rows: Tensor, first: int) -> None:
    """Write `rows` (n, width) into the columns from `first` on of `result` (width, all rows)."""
    result[:, first : first + len(rows)] = rows.t()
