"""Writes a corpus folder, document by document, holding no more than one record batch."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from litebert.corpus.shards import (
    CORPUS_FILE,
    DOCUMENTS_FILE,
    FORMAT,
    SENTENCES_FILE,
    TOKENIZER_FOLDER,
    Ids,
    content_hash,
)
from litebert.foundation.files import sha256_file, write_json
from litebert.text.tokenizer import Tokenizer

_NPY_HEADER = 128  # bytes that numpy's header of a one-dimensional array always takes


@dataclass(frozen=True)
class ShardLimits:
    """Where record batches and shards end: after the document that reaches so many tokens."""

    batch_tokens: int = 1 << 20
    shard_tokens: int = 1 << 26


@dataclass
class Counts:
    """What a corpus holds, and what was left out of it."""

    documents: int = 0
    sentences: int = 0
    tokens: int = 0
    characters: int = 0
    empty_documents: int = 0


class CorpusWriter:
    """Writes shards, index and description into an existing, empty folder.

    The bytes written depend on the documents, their order, the tokenizer and the limits alone.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer, limits: ShardLimits) -> None:
        self.counts = Counts()
        self._folder = folder
        self._tokenizer = tokenizer
        self._limits = limits
        self._dtype = id_type(tokenizer.vocab_size)
        self._ids: list[Ids] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._sources: list[str] = []
        self._waiting = 0
        self._shard: _ShardFile | None = None
        self._shards: list[dict[str, Any]] = []
        self._document_index = _IndexFile(folder / DOCUMENTS_FILE)
        self._sentence_index = _IndexFile(folder / SENTENCES_FILE)

    def add(self, source: str, ids: Ids, lengths: NDArray[np.int64]) -> None:
        """Append one document: the ids of all its sentences, and how many each has (none empty)."""
        if not len(lengths):
            self.counts.empty_documents += 1
            return
        self._sentence_index.append(self.counts.tokens + np.cumsum(lengths, dtype=np.int64))
        self.counts.documents += 1
        self.counts.sentences += len(lengths)
        self.counts.tokens += len(ids)
        self._document_index.append(np.array([self.counts.sentences], dtype=np.int64))
        self._ids.append(ids.astype(self._dtype, copy=False))
        self._lengths.append(lengths)
        self._sources.append(source)
        self._waiting += len(ids)
        if self._waiting >= self._limits.batch_tokens:
            self._write_batch()

    def finish(self, settings: dict[str, Any], samples: Sequence[dict[str, str]] = ()) -> str:
        """Write what is left and, last, the description; returns the hash of all that was written.

        `settings` are kept in it, and where the text lies tokenised anew for other epochs.
        """
        if self._sources:
            self._write_batch()
        self._end_shard()
        index = {DOCUMENTS_FILE: self._document_index.close()}
        index[SENTENCES_FILE] = self._sentence_index.close()
        place = self._folder / TOKENIZER_FOLDER
        files = sorted(path for path in place.rglob("*") if path.is_file())
        description: dict[str, Any] = {
            "format": FORMAT,
            "counts": asdict(self.counts),
            "settings": settings,
            "tokenizer": {
                "fingerprint": self._tokenizer.fingerprint,
                "vocab_size": self._tokenizer.vocab_size,
                "files": {path.relative_to(place).as_posix(): sha256_file(path) for path in files},
            },
            "index": index,
            "shards": self._shards,
        }
        if samples:
            description["samples"] = list(samples)
        description["content_hash"] = content_hash(description)
        write_json(self._folder / CORPUS_FILE, description)
        return str(description["content_hash"])

    def close(self) -> None:
        """Let go of open files; what they hold counts only after `finish`."""
        self._document_index.file.close()
        self._sentence_index.file.close()
        if self._shard is not None:
            self._shard.sink.close()

    def _write_batch(self) -> None:
        if self._shard is None:
            name = f"shard-{len(self._shards):05d}.arrow"
            self._shard = _ShardFile(self._folder / name, self._dtype)
        self._shard.write(self._ids, self._lengths, self._sources)
        self._ids, self._lengths, self._sources, self._waiting = [], [], [], 0
        if self._shard.tokens >= self._limits.shard_tokens:
            self._end_shard()

    def _end_shard(self) -> None:
        if self._shard is not None:
            self._shards.append(self._shard.close())
            self._shard = None


class _ShardFile:
    """One Arrow file being written, with the checksum of every record batch."""

    def __init__(self, path: Path, dtype: type[np.uint16] | type[np.uint32]) -> None:
        self.tokens = 0
        self.sink = _HashingFile(path)
        self._path = path
        self._schema = pa.schema(
            [
                pa.field("sentences", pa.list_(pa.list_(pa.from_numpy_dtype(dtype)))),
                pa.field("source", pa.string()),
            ]
        )
        self._writer = pa.ipc.new_file(self.sink, self._schema)
        self._batches: list[dict[str, Any]] = []

    def write(self, ids: list[Ids], lengths: list[NDArray[np.int64]], sources: list[str]) -> None:
        """Write documents as one record batch."""
        tokens = np.concatenate(ids)
        sentences = pa.ListArray.from_arrays(_offsets(np.concatenate(lengths)), tokens)
        counts = np.array([len(part) for part in lengths])
        documents = pa.ListArray.from_arrays(_offsets(counts), sentences)
        columns = [documents, pa.array(sources, pa.string())]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self.tokens += len(tokens)
        entry = {"documents": len(sources), "tokens": len(tokens), "end": self.sink.size}
        self._batches.append({**entry, "sha256": self.sink.part_digest()})

    def close(self) -> dict[str, Any]:
        """End the file; returns its entry in the description."""
        self._writer.close()
        end = self.sink.part_digest()
        self.sink.close()
        return {
            "file": self._path.name,
            "bytes": self.sink.size,
            "sha256": self.sink.whole.hexdigest(),
            "end_sha256": end,
            "batches": self._batches,
        }


class _HashingFile(io.RawIOBase):
    """A file that hashes what is written to it: in whole, and in parts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb")
        self.size = 0
        self.whole = hashlib.sha256()
        self._part = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        count = self._file.write(data)
        self.size += count
        self.whole.update(data)
        self._part.update(data)
        return count

    def tell(self) -> int:
        return self.size

    def part_digest(self) -> str:
        """Digest of what was written since the last call."""
        digest = self._part.hexdigest()
        self._part = hashlib.sha256()
        return digest

    def close(self) -> None:
        self._file.close()
        super().close()


class _IndexFile:
    """A .npy file of int64 offsets, begun with 0, whose length is known only at its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] = path.open("wb")
        self.file.seek(_NPY_HEADER)
        self.length = 0
        self.append(np.zeros(1, dtype=np.int64))

    def append(self, offsets: NDArray[np.int64]) -> None:
        """Write more offsets."""
        self.file.write(offsets.astype("<i8", copy=False).tobytes())
        self.length += len(offsets)

    def close(self) -> str:
        """Write the header; returns the file's SHA-256."""
        self.file.seek(0)
        header = {"descr": "<i8", "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self.file, header)
        assert self.file.tell() == _NPY_HEADER
        self.file.close()
        return sha256_file(self.path)


def id_type(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    """The type that ids of a vocabulary are stored in."""
    return np.uint16 if vocab_size <= 65_535 else np.uint32


def _offsets(lengths: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
