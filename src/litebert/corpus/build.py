"""Builds a corpus folder from text: read, split into sentences, tokenise, write.

One process reads and writes, the workers split and tokenise. Jobs are cut by the input alone and
written in its order, so the bytes are the same for any number of workers; only a few jobs are in
flight, so memory is bounded whatever the size of the input.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.documents import (
    ReaderSettings,
    Unit,
    find_inputs,
    read_documents,
    sentences_of,
)
from litebert.corpus.shards import TOKENIZER_FOLDER, Ids
from litebert.corpus.workers import in_order
from litebert.corpus.writer import CorpusWriter, Counts, ShardLimits, id_type
from litebert.foundation.errors import ConfigError, CorpusError
from litebert.foundation.files import atomic_folder, require_vacant
from litebert.foundation.progress import Progress
from litebert.text.tokenizer import Tokenizer

JOB_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class CorpusSummary:
    """What was built, and from what."""

    folder: Path
    files: int
    counts: Counts


@dataclass(frozen=True)
class Part:
    """Lines of one document that one job handles; `last` where the document ends with them."""

    source: str
    lines: list[str]
    unit: Unit
    last: bool


@dataclass
class Job:
    """Parts for one worker at a time; `read` is how many bytes of input came before its end."""

    parts: list[Part] = field(default_factory=list)
    characters: int = 0
    read: int = 0


@dataclass(frozen=True)
class Encoded:
    """A job's result: ids of all its sentences, the sentences' lengths, sentences a part."""

    ids: Ids
    lengths: NDArray[np.int64]
    counts: list[int]


def build_corpus(
    inputs: Sequence[str | Path],
    tokenizer: Tokenizer,
    folder: str | Path,
    settings: ReaderSettings | None = None,
    workers: int = 1,
    replace: bool = False,
    limits: ShardLimits | None = None,
    job_characters: int = JOB_CHARACTERS,
) -> CorpusSummary:
    """Tokenise the documents of `inputs` once and write the corpus folder `folder`.

    The folder appears when it is complete; after an error or an interruption nothing is left. With
    several workers call it from a script under `if __name__ == "__main__":`. Raises DataError for
    bad input, StorageError where `folder` is taken (unless `replace`) or the disk is full,
    CorpusError when a worker process dies.
    """
    settings, folder = settings or ReaderSettings(), Path(folder)
    if workers < 1:
        raise ConfigError(f"workers must be at least 1 (given: {workers})")
    files = find_inputs(inputs)
    size = sum(path.stat().st_size for path in files)
    require_vacant(folder, replace)
    encode = JobEncoder(tokenizer, settings.language)
    workers = workers if size > job_characters else 1
    with _clean_termination(), atomic_folder(folder, replace) as place:
        tokenizer.save(place / TOKENIZER_FOLDER)
        writer = CorpusWriter(place, tokenizer, limits or ShardLimits())
        with closing(writer), Progress("Corpus", size, "bytes") as progress:
            jobs = make_jobs(inputs, settings, job_characters)
            document = OpenDocument(writer)
            for job, encoded in in_order(encode, jobs, workers):
                document.take(job, encoded)
                progress.update(job.read, f"{writer.counts.tokens:,} tokens")
            if not writer.counts.documents:
                raise CorpusError("the input holds no text that gives a token: nothing to build")
            counts = writer.finish(settings.model_dump())
    return CorpusSummary(folder, len(files), counts)


def make_jobs(
    inputs: Sequence[str | Path], settings: ReaderSettings, job_characters: int = JOB_CHARACTERS
) -> Iterator[Job]:
    """Cut the input's documents into jobs of about equal size, long documents among several."""
    read = 0

    def watch(size: int) -> None:
        nonlocal read
        read += size

    job = Job()
    for document in read_documents(inputs, settings, watch):
        start = 0
        for end, line in enumerate(document.lines, start=1):
            job.characters += len(line)
            last = end == len(document.lines)
            if job.characters >= job_characters or last:
                lines = document.lines[start:end]
                job.parts.append(Part(document.source, lines, document.unit, last))
                start = end
            if job.characters >= job_characters:
                job.read = read
                yield job
                job = Job()
    if job.parts:
        job.read = read
        yield job


class OpenDocument:
    """Puts documents together again from the parts that jobs made of them."""

    def __init__(self, writer: CorpusWriter) -> None:
        self._writer = writer
        self._ids: list[Ids] = []
        self._lengths: list[NDArray[np.int64]] = []

    def take(self, job: Job, encoded: Encoded) -> None:
        """Give the writer the documents that end in this job; keep what belongs to the next."""
        sentence = token = 0
        starts = np.concatenate(([0], np.cumsum(encoded.lengths))).tolist()
        for part, count in zip(job.parts, encoded.counts, strict=True):
            sentence_end = sentence + count
            token_end = starts[sentence_end]
            self._ids.append(encoded.ids[token:token_end])
            self._lengths.append(encoded.lengths[sentence:sentence_end])
            sentence, token = sentence_end, token_end
            if part.last:
                ids, lengths = _joined(self._ids), _joined(self._lengths)
                self._writer.add(part.source, ids, lengths)
                self._ids, self._lengths = [], []
        self._writer.counts.characters += job.characters


class JobEncoder:
    """Splits a job's lines into sentences and tokenises them; picklable, so workers can have it."""

    def __init__(self, tokenizer: Tokenizer, language: str) -> None:
        self.tokenizer = tokenizer
        self.language = language

    def __call__(self, job: Job) -> Encoded:
        """Tokenise one job."""
        sentences: list[str] = []
        ends: list[int] = []
        for part in job.parts:
            sentences += sentences_of(part.lines, part.unit, self.language)
            ends.append(len(sentences))
        rows = self.tokenizer.encode_batch(sentences)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        dtype = id_type(self.tokenizer.vocab_size)
        ids: Ids = np.fromiter(chain.from_iterable(rows), dtype, int(lengths.sum()))
        kept = np.concatenate(([0], np.cumsum(lengths > 0)))  # a sentence may give no token
        counts = np.diff(kept[ends], prepend=0)
        return Encoded(ids, lengths[lengths > 0], counts.tolist())


def _joined(arrays: list[Any]) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


@contextmanager
def _clean_termination() -> Iterator[None]:
    """Let SIGTERM unwind the build like Ctrl-C does, so that nothing half-written is left."""

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
