"""The corpus folder: token ids of all sentences, memory-mapped, checked on first touch.

    corpus.json                what is in the folder: counts, shards, checksums, tokenizer
    shard-00000.arrow …        Arrow IPC, one row a document: sentences list<list<uint16>>, source
    documents.npy              where each document's sentences start (int64, documents + 1)
    sentences.npy              where each sentence's tokens start (int64, sentences + 1)
    tokenizer/                 the tokenizer the ids belong to
    epoch-000/ …               if asked for: the same sentences, cut into other pieces for other
                               epochs, as corpus folders without a tokenizer

Token positions are global: sentence s of the corpus holds tokens sentences[s] … sentences[s + 1]
of one long row of ids, which record batches cut between documents.
"""

import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from litebert.foundation.errors import CorpusError
from litebert.foundation.files import read_json, sha256_file
from litebert.text.tokenizer import Tokenizer

FORMAT = 1
CORPUS_FILE = "corpus.json"
TOKENIZER_FOLDER = "tokenizer"
DOCUMENTS_FILE = "documents.npy"
SENTENCES_FILE = "sentences.npy"
SAMPLE_FOLDER = "epoch-{:03d}"

Ids = NDArray[np.unsignedinteger[Any]]  # uint16, or uint32 for large vocabularies


class Corpus:
    """A corpus folder, opened for reading. Ids are mapped from the disk, not loaded.

    Attributes: `documents`, `sentences`, `tokens` (counts); `vocab_size`; `fingerprint` of the
    tokenizer; `content_hash` of everything in the folder; `document_offsets` (documents + 1,) in
    sentences and `sentence_offsets` (sentences + 1,) in tokens.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self.folder = folder
        self.description = description
        counts = description["counts"]
        self.documents: int = counts["documents"]
        self.sentences: int = counts["sentences"]
        self.tokens: int = counts["tokens"]
        self.vocab_size: int = description["tokenizer"]["vocab_size"]
        self.fingerprint: str = description["tokenizer"]["fingerprint"]
        self.content_hash: str = description["content_hash"]
        self.shards = [Shard(folder, entry) for entry in description["shards"]]
        self._batches = [(s, b) for s in self.shards for b in range(len(s.batches))]
        tokens = [shard.batches[b]["tokens"] for shard, b in self._batches]
        self._starts: list[int] = [0, *np.cumsum(tokens, dtype=np.int64).tolist()]
        self._ids: list[Ids | None] = [None] * len(self._batches)
        index = description["index"]
        self.document_offsets = _load_index(folder, DOCUMENTS_FILE, index)
        self.sentence_offsets = _load_index(folder, SENTENCES_FILE, index)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the folder itself."""
        return Corpus.open, (self.folder,)

    @classmethod
    def open(cls, folder: str | Path) -> "Corpus":
        """Open a corpus folder.

        Raises CorpusError when it is not one, incomplete, or its description is altered. The ids
        are checked later, batch by batch, when they are first read.
        """
        folder = Path(folder)
        if folder.is_file():
            raise CorpusError(f"{folder} is a file: name the folder litebert corpus build wrote")
        if not folder.is_dir():
            raise CorpusError(f"{folder} does not exist: build it with litebert corpus build")
        if not (folder / CORPUS_FILE).is_file():
            raise CorpusError(
                f"{folder} is not a corpus folder: it has no {CORPUS_FILE}; "
                "build one with litebert corpus build"
            )
        description = read_json(folder / CORPUS_FILE, CorpusError)
        if not isinstance(description, dict) or "format" not in description:
            raise CorpusError(f"{folder / CORPUS_FILE} does not describe a corpus")
        if description["format"] != FORMAT:
            raise CorpusError(
                f"{folder} has corpus format {description['format']}, this version reads {FORMAT}: "
                "build the corpus anew"
            )
        if description.get("content_hash") != content_hash(description):
            raise CorpusError(f"{folder / CORPUS_FILE} is altered: build the corpus anew")
        return cls(folder, description)

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that made the ids. Raises CorpusError when its files are altered."""
        place = self.folder / TOKENIZER_FOLDER
        for name, digest in self.description["tokenizer"]["files"].items():
            if not (place / name).is_file() or sha256_file(place / name) != digest:
                raise CorpusError(f"{place / name} is missing or altered: build the corpus anew")
        return Tokenizer.load(place)

    @cached_property
    def samples(self) -> list["Corpus"]:
        """The same sentences cut into other pieces, for epochs by turns; none unless asked for.

        Raises CorpusError when one is missing, or not the one that belongs here.
        """
        opened = []
        for entry in self.description.get("samples", []):
            sample = Corpus.open(self.folder / entry["folder"])
            if sample.content_hash != entry["content_hash"]:
                raise CorpusError(f"{sample.folder} is of another corpus: build the corpus anew")
            opened.append(sample)
        return opened

    def ids(self, first: int, last: int) -> Ids:
        """The ids of tokens first … last - 1 of one document, as a view of the file (zero-copy).

        Raises CorpusError, naming shard and batch, when the bytes there are not those written.
        """
        number = bisect_right(self._starts, first) - 1
        if first >= self.tokens:
            number = len(self._batches) - 1
        batch = self._ids[number]
        if batch is None:
            batch = self._ids[number] = self._touch(number)
        start = self._starts[number]
        return batch[first - start : last - start]

    def sentence(self, document: int, index: int) -> Ids:
        """The ids of one sentence of a document."""
        sentence = int(self.document_offsets[document]) + index
        if not 0 <= sentence < int(self.document_offsets[document + 1]):
            raise IndexError(f"document {document} has no sentence {index}")
        return self.ids(
            int(self.sentence_offsets[sentence]), int(self.sentence_offsets[sentence + 1])
        )

    def sentence_lengths(self, document: int) -> NDArray[np.int64]:
        """Tokens of each sentence of a document."""
        first, last = self.document_offsets[document : document + 2]
        return np.diff(self.sentence_offsets[first : last + 1])

    def source(self, document: int) -> str:
        """Where a document came from (file:line)."""
        for shard in self.shards:
            if document < shard.documents:
                return shard.source(document)
            document -= shard.documents
        raise IndexError(f"the corpus has no document {document}")

    def verify(self) -> None:
        """Check every byte of the folder. Raises CorpusError naming the first damage found."""
        self.tokenizer()
        for corpus in (self, *self.samples):
            for number in range(len(corpus._batches)):
                corpus._touch(number)
            for shard in corpus.shards:
                if sha256_file(shard.path) != shard.sha256:
                    raise CorpusError(f"{shard.path} is damaged: build the corpus anew")

    def _touch(self, number: int) -> Ids:
        """Check a batch's bytes and its lengths against the index; return its ids."""
        shard, batch = self._batches[number]
        values: Ids = shard.read(batch).column("sentences").flatten().flatten().to_numpy()
        if len(values) != self._starts[number + 1] - self._starts[number]:
            raise CorpusError(f"{shard.path}, batch {batch}: not the number of tokens written")
        return values


@dataclass
class Shard:
    """One Arrow file of a corpus; opened and checked when first read."""

    folder: Path
    entry: dict[str, Any]
    _mapped: tuple[pa.Buffer, pa.ipc.RecordBatchFileReader] | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """The shard's file."""
        return self.folder / str(self.entry["file"])

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        return str(self.entry["sha256"])

    @property
    def batches(self) -> list[dict[str, Any]]:
        """For each record batch: its documents, tokens, the end of its bytes, their SHA-256."""
        return list(self.entry["batches"])

    @property
    def documents(self) -> int:
        """How many documents the shard holds."""
        return sum(batch["documents"] for batch in self.batches)

    def source(self, document: int) -> str:
        """Where a document of this shard came from."""
        for number, batch in enumerate(self.batches):
            if document < batch["documents"]:
                return str(self.read(number).column("source")[document])
            document -= batch["documents"]
        raise IndexError(f"{self.path} has no document {document}")

    def read(self, number: int) -> pa.RecordBatch:
        """A record batch, after checking its bytes.

        Raises CorpusError naming shard and batch when they are not the bytes written.
        """
        buffer, reader = self._open()
        batches = self.entry["batches"]
        start = batches[number - 1]["end"] if number else 0
        found = hashlib.sha256(buffer.slice(start, batches[number]["end"] - start)).hexdigest()
        if found != batches[number]["sha256"]:
            raise CorpusError(
                f"{self.path}, batch {number}: the bytes on the disk are not those written; "
                "copy the shard again or build the corpus anew"
            )
        return reader.get_batch(number)

    def _open(self) -> tuple[pa.Buffer, pa.ipc.RecordBatchFileReader]:
        """Map the file; its size and its end, which says where the batches lie, are checked."""
        if self._mapped is None:
            if not self.path.is_file():
                raise CorpusError(f"{self.path} is missing: the corpus is incomplete")
            size = self.path.stat().st_size
            if size != self.entry["bytes"]:
                raise CorpusError(
                    f"{self.path} is cut short or altered: {size:,} bytes, "
                    f"{self.entry['bytes']:,} expected"
                )
            mapped = pa.memory_map(str(self.path))
            buffer = mapped.read_buffer(size)
            end = buffer.slice(self.entry["batches"][-1]["end"])
            if hashlib.sha256(end).hexdigest() != self.entry["end_sha256"]:
                raise CorpusError(f"{self.path} is damaged after its last batch")
            self._mapped = (buffer, pa.ipc.open_file(buffer))
        return self._mapped


def content_hash(description: dict[str, Any]) -> str:
    """SHA-256 of a corpus description, itself left out; it covers every file through its hash."""
    rest = {key: value for key, value in description.items() if key != "content_hash"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _load_index(folder: Path, name: str, index: dict[str, str]) -> NDArray[np.int64]:
    path = folder / name
    if not path.is_file():
        raise CorpusError(f"{path} is missing: the corpus is incomplete")
    if sha256_file(path) != index[name]:
        raise CorpusError(f"{path} is damaged: build the corpus anew")
    loaded: NDArray[np.int64] = np.load(path, mmap_mode="r")
    return loaded.view(np.ndarray)
