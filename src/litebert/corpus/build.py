"""Builds a corpus folder from text: read, split into sentences, tokenise, write.

One process reads and writes, the workers split and tokenise. Jobs are cut by the input alone and
written in its order, so the bytes are the same for any number of workers; only a few jobs are in
flight, so memory is bounded whatever the size of the input.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.documents import ReaderSettings, find_inputs
from litebert.corpus.jobs import JOB_CHARACTERS, Encoded, Job, JobEncoder, Tokens, make_jobs
from litebert.corpus.shards import SAMPLE_FOLDER, TOKENIZER_FOLDER
from litebert.corpus.workers import in_order
from litebert.corpus.writer import CorpusWriter, Counts, ShardLimits
from litebert.foundation.errors import ConfigError, CorpusError
from litebert.foundation.files import atomic_folder, require_vacant
from litebert.foundation.progress import Progress
from litebert.text.subwords import SubwordSettings
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class CorpusSummary:
    """What was built, and from what."""

    folder: Path
    files: int
    counts: Counts


def build_corpus(
    inputs: Sequence[str | Path],
    tokenizer: Tokenizer,
    folder: str | Path,
    settings: ReaderSettings | None = None,
    workers: int = 1,
    replace: bool = False,
    limits: ShardLimits | None = None,
    job_characters: int = JOB_CHARACTERS,
    subwords: SubwordSettings | None = None,
) -> CorpusSummary:
    """Tokenise the documents of `inputs` and write the corpus folder `folder`.

    Once, or with `subwords` once more for each sampled epoch. The folder appears when it is
    complete; after an error or an interruption nothing is left. With several workers call it from
    a script under `if __name__ == "__main__":`. Raises DataError for bad input, StorageError where
    `folder` is taken (unless `replace`) or the disk is full, CorpusError when a worker process
    dies, ConfigError where the vocabulary cannot be sampled.
    """
    settings, folder = settings or ReaderSettings(), Path(folder)
    subwords = subwords or SubwordSettings()
    if workers < 1:
        raise ConfigError(f"workers must be at least 1 (given: {workers})")
    files = find_inputs(inputs)
    size = sum(path.stat().st_size for path in files)
    require_vacant(folder, replace)
    encode = JobEncoder(tokenizer, settings.language, subwords)
    workers = workers if size > job_characters else 1
    with _clean_termination(), atomic_folder(folder, replace) as place:
        tokenizer.save(place / TOKENIZER_FOLDER)
        with (
            CorpusSet(place, tokenizer, limits or ShardLimits(), subwords) as corpora,
            Progress("Corpus", size, "bytes") as progress,
        ):
            for job, encoded in in_order(
                encode, make_jobs(inputs, settings, job_characters), workers
            ):
                corpora.take(job, encoded)
                progress.update(job.read, f"{corpora.counts.tokens:,} tokens")
            if not corpora.counts.documents:
                raise CorpusError("the input holds no text that gives a token: nothing to build")
            corpora.finish(settings.model_dump())
            counts = corpora.counts
    return CorpusSummary(folder, len(files), counts)


class CorpusSet:
    """Writes a corpus and, in folders within it, the same text tokenised anew for other epochs.

    Puts documents together again from the parts that jobs made of them.
    """

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, limits: ShardLimits, subwords: SubwordSettings
    ) -> None:
        self._subwords = subwords
        self._names = [SAMPLE_FOLDER.format(epoch) for epoch in range(subwords.sampled_epochs)]
        for name in self._names:
            (folder / name).mkdir()
        places = [folder, *(folder / name for name in self._names)]
        self._writers = [CorpusWriter(place, tokenizer, limits) for place in places]
        self._parts: list[list[Tokens]] = []

    @property
    def counts(self) -> Counts:
        """What the corpus holds, in its likeliest pieces."""
        return self._writers[0].counts

    def take(self, job: Job, encoded: Encoded) -> None:
        """Write the documents that end in this job; keep what belongs to the next."""
        starts = [_starts(tokens.lengths) for tokens in encoded.tokenisations]
        sentence = 0
        for part, count in zip(job.parts, encoded.counts, strict=True):
            end = sentence + count
            self._parts.append(
                [
                    Tokens(tokens.ids[at[sentence] : at[end]], tokens.lengths[sentence:end])
                    for tokens, at in zip(encoded.tokenisations, starts, strict=True)
                ]
            )
            sentence = end
            if part.last:
                for writer, parts in zip(
                    self._writers, zip(*self._parts, strict=True), strict=True
                ):
                    whole = _joined(parts)
                    writer.add(part.source, whole.ids, whole.lengths)
                self._parts = []
        for writer in self._writers:
            writer.counts.characters += job.characters

    def finish(self, settings: dict[str, Any]) -> None:
        """Write what is left, and the descriptions; the corpus' own comes last."""
        samples = []
        if self._names:
            settings = {**settings, "subwords": self._subwords.model_dump()}
        for name, writer in zip(self._names, self._writers[1:], strict=True):
            samples.append({"folder": name, "content_hash": writer.finish(settings)})
        self._writers[0].finish(settings, samples)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for writer in self._writers:
            writer.close()


def _starts(lengths: NDArray[np.int64]) -> list[int]:
    """Where each sentence's tokens begin, and where the last one's end."""
    starts: list[int] = np.concatenate(([0], np.cumsum(lengths))).tolist()
    return starts


def _joined(parts: Sequence[Tokens]) -> Tokens:
    if len(parts) == 1:
        return parts[0]
    ids, lengths = zip(*((part.ids, part.lengths) for part in parts), strict=True)
    return Tokens(np.concatenate(ids), np.concatenate(lengths))


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
