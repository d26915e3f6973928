"""A SentencePiece vocabulary from the user's text, trained on text normalised as the model's will.

The same text and settings give the same bytes on every machine: the sample is keyed by the seed
and SentencePiece gets a fixed number of threads.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field

from litebert.foundation.errors import VocabularyError
from litebert.foundation.files import atomic_folder, write_json
from litebert.foundation.progress import Progress
from litebert.foundation.settings import Settings
from litebert.text.model_proto import retire_pieces
from litebert.text.normalise import Normalisation, normalise
from litebert.text.pieces import is_digit_comma, load_processor
from litebert.text.sampling import Sample
from litebert.text.sentencepiece_tokenizer import SentencePieceTokenizer
from litebert.text.trainer import MAX_LINE_BYTES, train_model

LIST_FILE = "spiece.vocab"
SUMMARY_FILE = "vocabulary.json"
_MAX_LINE = MAX_LINE_BYTES // 4  # characters that surely fit
_MEASURED = 1000  # sampled sentences that the report's two ratios are taken from
_SHOWN = 256  # texts between two updates of the progress


class VocabularySettings(Settings):
    """What a vocabulary is trained with; the original's values by default."""

    vocab_size: int = Field(default=30_000, ge=32, le=1_000_000)
    """Number of pieces, special ones included."""

    fit: bool = False
    """Where the text allows no vocabulary of that size, take the largest it allows."""

    character_coverage: float = Field(default=0.99995, gt=0.9, le=1.0)
    """Share of the text's characters that get a piece; the rarest become unknown."""

    sentences: int = Field(default=10_000_000, ge=1)
    """Train on at most so many lines, drawn at random."""

    characters: int = Field(default=100_000_000, ge=10_000)
    """And on at most so many characters; training takes 20 to 25 bytes of memory for each."""

    seed: int = 12345
    """Seed of that draw."""


@dataclass(frozen=True)
class VocabularyReport:
    """What came out: size, counts of the text read, and how well the vocabulary fits it."""

    folder: Path
    vocab_size: int
    texts: int
    characters: int
    sentences: int
    """Lines seen; `sampled` of them were trained on."""
    sampled: int
    characters_per_token: float
    unknown_share: float
    """Unknown tokens; like characters_per_token measured on lines of the sample."""
    fingerprint: str


def train_vocabulary(
    texts: Iterable[str],
    folder: Path,
    settings: VocabularySettings | None = None,
    normalisation: Normalisation | None = None,
    progress: Progress | None = None,
) -> VocabularyReport:
    """Train a vocabulary on texts (sentences or paragraphs) and write its folder.

    Memory holds the sampled lines only, however long `texts` is. The folder gets `spiece.model`,
    `spiece.vocab`, `tokenizer.json`, `tokenizer_config.json` and `vocabulary.json`, or is not made
    at all. `progress` is for a caller who counts the reading himself (in bytes, say).

    Raises VocabularyError when the text allows no such vocabulary, StorageError when the folder is
    taken or cannot be written.
    """
    settings = settings or VocabularySettings()
    normalisation = normalisation or Normalisation()
    folder = Path(folder)
    with atomic_folder(folder) as place:  # first of all: a place that refuses costs no training
        sample, count, characters = _draw_sample(texts, settings, normalisation, progress)
        lines = sample.take()
        sampled, measured = len(lines), lines[:_MEASURED]
        model = train_model(lines, settings.vocab_size, settings.fit, settings.character_coverage)
        tokenizer = SentencePieceTokenizer(_without_digit_commas(model), normalisation)
        ratio, unknown = _measure(tokenizer, measured)
        report = VocabularyReport(
            folder=folder,
            vocab_size=tokenizer.vocab_size,
            texts=count,
            characters=characters,
            sentences=sample.seen,
            sampled=sampled,
            characters_per_token=ratio,
            unknown_share=unknown,
            fingerprint=tokenizer.fingerprint,
        )
        tokenizer.save(place)
        (place / LIST_FILE).write_text(_piece_list(tokenizer), encoding="utf-8")
        write_json(place / SUMMARY_FILE, _summary(report, settings, normalisation))
    return report


def _draw_sample(
    texts: Iterable[str],
    settings: VocabularySettings,
    normalisation: Normalisation,
    progress: Progress | None,
) -> tuple[Sample, int, int]:
    """Read everything once; returns the sample, the number of texts and of characters."""
    sample = Sample(settings.sentences, settings.characters, settings.seed)
    characters = count = 0
    with progress or Progress("Reading text", unit="texts") as reading:
        for count, text in enumerate(texts, start=1):
            characters += len(text)
            sample.add(_lines(text, normalisation))
            if count % _SHOWN == 0 and progress is None:
                reading.update(count)
        if progress is None:
            reading.update(count)
    if sample.seen == 0:
        raise VocabularyError("there is no text to train a vocabulary on: name other input")
    return sample, count, characters


def _lines(text: str, normalisation: Normalisation) -> Iterator[str]:
    """Normalised, non-empty lines, cut at spaces so that SentencePiece leaves none out."""
    for raw in text.splitlines():
        line = normalise(raw, normalisation)
        while len(line) > _MAX_LINE:
            space = line.rfind(" ", 1, _MAX_LINE)
            end = space if space > 0 else _MAX_LINE
            yield line[:end]
            line = line[end:].lstrip()
        if line:
            yield line


def _without_digit_commas(model: bytes) -> bytes:
    """The model with its digit-comma pieces retired.

    Any tokenizer that follows the original splits these pieces again, each in its own way: the
    original, transformers' and ours agree only on a vocabulary that never uses them.
    """
    processor = load_processor(model)
    pieces = processor.IdToPiece(list(range(processor.GetPieceSize())))
    return retire_pieces(model, {i for i, piece in enumerate(pieces) if is_digit_comma(piece)})


def _measure(tokenizer: SentencePieceTokenizer, lines: list[str]) -> tuple[float, float]:
    """Characters per token and the share of unknown tokens."""
    rows = tokenizer.encode_batch(lines)
    tokens = max(1, sum(map(len, rows)))
    unknown = sum(row.count(tokenizer.unk_id) for row in rows)
    return round(sum(map(len, lines)) / tokens, 4), round(unknown / tokens, 6)


def _piece_list(tokenizer: SentencePieceTokenizer) -> str:
    """The pieces and their scores, a line each, as SentencePiece itself lists them."""
    rows = zip(tokenizer.pieces, tokenizer.scores(), strict=True)
    return "".join(f"{piece}\t{score:g}\n" for piece, score in rows)


def _summary(
    report: VocabularyReport, settings: VocabularySettings, normalisation: Normalisation
) -> dict[str, object]:
    counts = asdict(report)
    del counts["folder"]
    return {
        "settings": settings.model_dump(),
        "normalisation": normalisation.model_dump(),
        **counts,
    }
