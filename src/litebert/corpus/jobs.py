"""Jobs: pieces of the input of about equal size, each tokenised by one worker at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.documents import ReaderSettings, Unit, read_documents, sentences_of
from litebert.corpus.shards import Ids
from litebert.corpus.writer import id_type
from litebert.foundation.errors import ConfigError
from litebert.foundation.randomness import KeyedUniforms
from litebert.text.subwords import SubwordSettings
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer

JOB_CHARACTERS = 1 << 20
_LINE_BITS = 20  # a line has fewer sentences than two to this


@dataclass(frozen=True)
class Part:
    """Lines of one document that one job handles; `last` where the document ends with them.

    `first` is the number of the first of them within the document.
    """

    source: str
    lines: list[str]
    unit: Unit
    last: bool
    first: int = 0


@dataclass
class Job:
    """Parts for one worker at a time; `read` is how many bytes of input came before its end."""

    parts: list[Part] = field(default_factory=list)
    characters: int = 0
    read: int = 0


@dataclass(frozen=True)
class Tokens:
    """Ids of sentences, one after the other, and the tokens of each."""

    ids: Ids
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """A job's result: its sentences, as the likeliest pieces and as drawn; sentences a part."""

    tokenisations: list[Tokens]
    counts: list[int]


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
                job.parts.append(Part(document.source, lines, document.unit, last, start))
                start = end
            if job.characters >= job_characters:
                job.read = read
                yield job
                job = Job()
    if job.parts:
        job.read = read
        yield job


class JobEncoder:
    """Splits a job's lines into sentences and tokenises them; picklable, so workers can have it.

    Raises ConfigError where subwords are to be sampled of a vocabulary that cannot be.
    """

    def __init__(
        self, tokenizer: Tokenizer, language: str, subwords: SubwordSettings | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.language = language
        self.subwords = subwords or SubwordSettings()
        if self.subwords.sampled_epochs:
            _sampling(tokenizer)

    def __call__(self, job: Job) -> Encoded:
        """Tokenise one job."""
        lines = [
            [sentences_of([line], part.unit, self.language) for line in part.lines]
            for part in job.parts
        ]
        sentences = [sentence for part in lines for found in part for sentence in found]
        rows = self.tokenizer.encode_batch(sentences)
        kept = [index for index, row in enumerate(rows) if row]  # a sentence may give no token
        tokenisations = [self._tokens([rows[index] for index in kept])]
        if self.subwords.sampled_epochs and kept:
            uniforms = [
                self._uniforms(part, found) for part, found in zip(job.parts, lines, strict=True)
            ]
            texts = [sentences[index] for index in kept]
            drawn = _sampling(self.tokenizer).sample_batch(
                texts, np.concatenate(uniforms, axis=1)[:, kept], self.subwords
            )
            tokenisations += [self._tokens(rows) for rows in drawn]
        else:
            tokenisations *= 1 + self.subwords.sampled_epochs
        ends = np.cumsum([sum(map(len, part)) for part in lines])
        counts = np.diff(np.searchsorted(kept, ends), prepend=0)
        return Encoded(tokenisations, counts.tolist())

    def _tokens(self, rows: Sequence[Sequence[int]]) -> Tokens:
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        dtype = id_type(self.tokenizer.vocab_size)
        return Tokens(np.fromiter(chain.from_iterable(rows), dtype, int(lengths.sum())), lengths)

    def _uniforms(self, part: Part, lines: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """A number for each sentence in each sampled epoch, by its place in its document."""
        places = [
            ((part.first + number) << _LINE_BITS) + np.arange(len(found), dtype=np.int64)
            for number, found in enumerate(lines)
        ]
        key = self.subwords.sampling_seed, "subwords"
        return np.stack(
            [
                KeyedUniforms(*key, epoch, part.source).at(np.concatenate(places))
                for epoch in range(self.subwords.sampled_epochs)
            ]
        )


def _sampling(tokenizer: Tokenizer) -> SentencePieceTokenizer:
    if isinstance(tokenizer, SentencePieceTokenizer) and tokenizer.can_sample:
        return tokenizer
    raise ConfigError(
        "sampled_epochs: this vocabulary knows one way to cut a text: subword sampling needs a "
        "SentencePiece unigram model, as litebert vocab train makes"
    )
