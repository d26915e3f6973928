"""Training of a SentencePiece vocabulary with the original's settings, on normalised text.

Source: the original's README (its `spm_train` command). The same text and settings give the same
bytes on every machine: the sample is keyed by the seed, and the number of training threads, which
decides the order of SentencePiece's sums, is fixed.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field
from sentencepiece import SentencePieceTrainer

from litebert.foundation.errors import VocabularyError
from litebert.foundation.files import atomic_folder, require_vacant, write_json
from litebert.foundation.progress import Progress, console
from litebert.foundation.settings import Settings
from litebert.text.normalise import Normalisation, normalise
from litebert.text.pieces import SPECIAL
from litebert.text.sampling import Reservoir
from litebert.text.tokenizer import Tokenizer

USER_SYMBOLS = ["(", ")", '"', "-", ".", "–", "£", "€"]  # always pieces of their own
SUMMARY_FILE = "vocabulary.json"
_THREADS = 16
_MAX_LINE_BYTES = 4192  # SentencePiece leaves out longer lines
_MAX_LINE_CHARACTERS = _MAX_LINE_BYTES // 4
_MEASURED = 1000  # sampled sentences that the report's ratios are taken from


class VocabularySettings(Settings):
    """What a vocabulary is trained with; the original's values by default."""

    vocab_size: int = Field(default=30_000, ge=32, le=1_000_000)
    """Number of pieces, special ones included."""

    fit: bool = False
    """Take the largest vocabulary the text allows where vocab_size is larger than that."""

    character_coverage: float = Field(default=0.99995, gt=0.9, le=1.0)
    """Share of the text's characters that get a piece; the rarest become unknown."""

    sentences: int = Field(default=10_000_000, ge=1)
    """At most so many sentences, drawn at random, are kept in memory and trained on."""

    seed: int = 12345
    """Seed of that draw."""


@dataclass(frozen=True)
class VocabularyReport:
    """What came out: sizes, counts of the text read, and how well the vocabulary fits it."""

    folder: Path
    vocab_size: int
    texts: int
    sentences: int
    """Sentences seen; `sampled` of them were trained on."""
    sampled: int
    characters: int
    characters_per_token: float
    unknown_share: float
    """Share of unknown tokens, as characters_per_token measured on some of the sample."""
    fingerprint: str


def train_vocabulary(
    texts: Iterable[str],
    folder: Path,
    settings: VocabularySettings | None = None,
    normalisation: Normalisation | None = None,
) -> VocabularyReport:
    """Train a vocabulary on texts (sentences or paragraphs) and write its folder.

    Memory holds the sampled sentences only, whatever the length of `texts`. The folder gets
    `spiece.model`, `spiece.vocab`, `tokenizer.json`, `tokenizer_config.json` and
    `vocabulary.json`, or is not made at all. Raises VocabularyError when the text allows no such
    vocabulary, StorageError when the folder is taken or cannot be written.
    """
    settings = settings or VocabularySettings()
    normalisation = normalisation or Normalisation()
    folder = Path(folder)
    require_vacant(folder)
    sample, texts_read, characters = _draw_sample(texts, settings, normalisation)
    seen, sampled, measured = sample.seen, len(sample.lines), sample.lines[:_MEASURED]
    model = _train(sample, settings)
    tokenizer = Tokenizer(model, normalisation)
    ratio, unknown = _measure(tokenizer, measured)
    report = VocabularyReport(
        folder=folder,
        vocab_size=tokenizer.vocab_size,
        texts=texts_read,
        sentences=seen,
        sampled=sampled,
        characters=characters,
        characters_per_token=ratio,
        unknown_share=unknown,
        fingerprint=tokenizer.fingerprint,
    )
    with atomic_folder(folder) as place:
        tokenizer.save(place)
        (place / "spiece.vocab").write_text(_vocabulary_list(tokenizer), encoding="utf-8")
        write_json(place / SUMMARY_FILE, _summary(report, settings, normalisation))
    return report


def _draw_sample(
    texts: Iterable[str], settings: VocabularySettings, normalisation: Normalisation
) -> tuple[Reservoir, int, int]:
    """Read everything once; returns the sample, the number of texts and of characters."""
    sample = Reservoir(settings.sentences, settings.seed)
    characters = count = 0
    with Progress("Reading text", unit="texts") as progress:
        for count, text in enumerate(texts, start=1):
            characters += len(text)
            sample.add(_lines(text, normalisation))
            progress.update(count, f"{characters / 1e6:,.1f} M characters")
    if sample.seen == 0:
        raise VocabularyError("there is no text to train a vocabulary on: name other input files")
    return sample, count, characters


def _lines(text: str, normalisation: Normalisation) -> Iterator[str]:
    """Normalised, non-empty lines, cut at spaces so that SentencePiece leaves none out."""
    for raw in text.splitlines():
        line = normalise(raw, normalisation)
        while len(line) > _MAX_LINE_CHARACTERS:
            cut = line.rfind(" ", 1, _MAX_LINE_CHARACTERS)
            cut = cut if cut > 0 else _MAX_LINE_CHARACTERS
            yield line[:cut]
            line = line[cut:].lstrip()
        if line:
            yield line


def _train(sample: Reservoir, settings: VocabularySettings) -> bytes:
    """Run SentencePiece, silently, and return the model."""
    lines = len(sample.lines)
    console().print(f"Training a vocabulary of {settings.vocab_size:,} on {lines:,} sentences …")
    target = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=_consume(sample.lines),
            model_writer=target,
            model_type="unigram",
            vocab_size=settings.vocab_size,
            hard_vocab_limit=not settings.fit,
            character_coverage=settings.character_coverage,
            max_sentence_length=_MAX_LINE_BYTES,
            num_threads=_THREADS,
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            pad_piece=SPECIAL["pad"],
            unk_piece=SPECIAL["unk"],
            control_symbols=[SPECIAL["cls"], SPECIAL["sep"], SPECIAL["mask"]],
            user_defined_symbols=USER_SYMBOLS,
            minloglevel=3,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise VocabularyError(_explain(str(error), settings)) from None
    return target.getvalue()


def _consume(lines: list[str]) -> Iterator[str]:
    """The lines in order, each let go when the next is asked for: SentencePiece keeps its copy."""
    lines.reverse()
    while lines:
        yield lines.pop()


def _explain(reason: str, settings: VocabularySettings) -> str:
    """SentencePiece's refusal as a message that says how to mend it."""
    size = settings.vocab_size
    if high := re.search(r"size too high.*<= (\d+)", reason):
        largest = int(high[1])
        return (
            f"vocab_size {size:,} is more than this text allows: ask for {largest:,} or fewer, "
            "let it be chosen with fit (--fit), or give more text"
        )
    if low := re.search(r"smaller than required_chars\. \d+ vs (\d+)", reason):
        return (
            f"vocab_size {size:,} is too small for the characters of this text: ask for "
            f"{int(low[1]):,} or more, or lower character_coverage ({settings.character_coverage})"
        )
    if "sentences_.empty()" in reason:
        return "there is no usable text to train a vocabulary on: name other input files"
    return f"SentencePiece cannot train on this text: {reason.splitlines()[0]}"


def _measure(tokenizer: Tokenizer, lines: list[str]) -> tuple[float, float]:
    """Characters per token and the share of unknown tokens."""
    rows = tokenizer.encode_batch(lines)
    tokens = max(1, sum(map(len, rows)))
    unknown = sum(row.count(tokenizer.unk_id) for row in rows)
    return sum(map(len, lines)) / tokens, unknown / tokens


def _vocabulary_list(tokenizer: Tokenizer) -> str:
    """The pieces and their scores, a line each, as SentencePiece itself lists them."""
    scores = tokenizer.scores()
    rows = zip(tokenizer.pieces, scores, strict=True)
    return "".join(f"{piece}\t{score:g}\n" for piece, score in rows)


def _summary(
    report: VocabularyReport, settings: VocabularySettings, normalisation: Normalisation
) -> dict[str, object]:
    counts = {name: value for name, value in asdict(report).items() if name != "folder"}
    return {
        "settings": json.loads(settings.model_dump_json()),
        "normalisation": normalisation.model_dump(),
        **counts,
    }
