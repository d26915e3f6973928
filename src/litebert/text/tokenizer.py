"""Text to token ids and back, id for id as the original ALBERT does it under Python 3.

A tokenizer is immutable: threads may share it, and it can be pickled to other processes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.foundation.errors import ConfigError, VocabularyError
from litebert.foundation.files import atomic_file, read_json, write_json
from litebert.text.normalise import Normalisation, normalise, normalise_aligned
from litebert.text.offsets import piece_spans
from litebert.text.pieces import describe_pieces, load_processor

MODEL_FILE = "spiece.model"
CONFIG_FILE = "tokenizer_config.json"
FAST_FILE = "tokenizer.json"


@dataclass(frozen=True)
class Encoding:
    """Token ids of a text, and the characters `text[start:end]` that each came from."""

    ids: list[int]
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class PairEncoding:
    """`[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`: ids, segments (0 or 1), number of tokens cut."""

    ids: list[int]
    segment_ids: list[int]
    cut: int = 0


class Tokenizer:
    """A SentencePiece model with the normalisation it was trained with."""

    def __init__(
        self,
        model: bytes,
        normalisation: Normalisation | None = None,
        where: Path | str = "the SentencePiece model",
    ) -> None:
        self.model = model
        self.normalisation = normalisation or Normalisation()
        self._processor = load_processor(model, where)
        table = describe_pieces(self._processor, where)
        self.pieces: list[str] = table.pieces
        self.vocab_size = len(table.pieces)
        self.ordinary_ids: NDArray[np.int64] = table.ordinary_ids
        self.word_starts: NDArray[np.bool_] = table.word_starts
        self.pad_id = table.special["pad"]
        self.unk_id = table.special["unk"]
        self.cls_id = table.special["cls"]
        self.sep_id = table.special["sep"]
        self.mask_id = table.special["mask"]
        self.fingerprint = _fingerprint(model, self.normalisation)
        self._splits = table.splits
        self._split_ids = frozenset(table.splits)

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read a vocabulary or model folder, or a SentencePiece model file.

        The normalisation comes from `tokenizer_config.json` beside the model; the original's where
        there is none. Raises VocabularyError when there is no vocabulary, or a damaged one.
        """
        file = find_model(Path(path))
        try:
            model = file.read_bytes()
        except OSError as error:
            raise VocabularyError(f"{file} cannot be read: {error.strerror or error}") from None
        return cls(model, _read_normalisation(file.with_name(CONFIG_FILE)), where=file)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens."""
        ids: list[int] = self._processor.Encode(normalise(text, self.normalisation))
        return ids if self._split_ids.isdisjoint(ids) else self._split_commas(ids)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts, on one thread: the fast way where there are many short ones."""
        settings = self.normalisation
        plain = [normalise(text, settings) for text in texts]
        rows: list[list[int]] = self._processor.Encode(plain, num_threads=1)
        free = self._split_ids.isdisjoint
        return [row if free(row) else self._split_commas(row) for row in rows]

    def encode_with_offsets(self, text: str) -> Encoding:
        """The ids of `encode` with the characters of the ORIGINAL text that each stands for.

        Both ends of the spans never decrease; a span neither begins nor ends with whitespace. The
        piece of a lone space has an empty span, and pieces of one character (as "½") share its.
        """
        aligned = normalise_aligned(text, self.normalisation)
        ids, spans = piece_spans(self._processor, aligned, self._splits)
        return Encoding(ids, spans)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, normalised as it was; special pieces are left out.

        Raises VocabularyError when an id is not in the vocabulary.
        """
        for index in ids:
            if not 0 <= index < self.vocab_size:
                raise VocabularyError(
                    f"id {index} is outside this vocabulary of {self.vocab_size:,} pieces"
                )
        text: str = self._processor.Decode([int(index) for index in ids])
        return text

    def pair(self, a: str, b: str | None = None, max_length: int = 512) -> PairEncoding:
        """One or two texts as the model reads them, cut to `max_length` tokens."""
        return self.join(self.encode(a), None if b is None else self.encode(b), max_length)

    def join(
        self, a: Sequence[int], b: Sequence[int] | None = None, max_length: int = 512
    ) -> PairEncoding:
        """`pair` of encoded texts.

        What is too long loses tokens at the end of the longer text, of B when both are equal
        (the original's `_truncate_seq_pair`). Raises ConfigError when not even the special tokens
        fit.
        """
        room = max_length - (2 if b is None else 3)
        if room < 0:
            raise ConfigError(f"max_length {max_length} has no room for the special tokens")
        keep_a, keep_b = shared_room(len(a), 0 if b is None else len(b), room)
        ids = [self.cls_id, *a[:keep_a], self.sep_id]
        segment_ids = [0] * len(ids)
        if b is None:
            return PairEncoding(ids, segment_ids, len(a) - keep_a)
        ids += [*b[:keep_b], self.sep_id]
        segment_ids += [1] * (keep_b + 1)
        return PairEncoding(ids, segment_ids, len(a) - keep_a + len(b) - keep_b)

    def scores(self) -> list[float]:
        """The log probability of each piece, by id."""
        scores: list[float] = self._processor.GetScore(list(range(self.vocab_size)))
        return scores

    def save(self, folder: Path, max_length: int = 512) -> None:
        """Write `spiece.model`, `tokenizer.json` and `tokenizer_config.json` into a folder.

        transformers reads them with `AutoTokenizer.from_pretrained(folder)`.
        """
        from litebert.text.fast import fast_config, fast_tokenizer

        folder = Path(folder)
        with atomic_file(folder / MODEL_FILE) as file:
            file.write(self.model)
        with atomic_file(folder / FAST_FILE, "w") as file:
            file.write(fast_tokenizer(self.model, self.normalisation))
        write_json(folder / CONFIG_FILE, fast_config(self.normalisation, max_length))

    def _split_commas(self, ids: list[int]) -> list[int]:
        splits = self._splits
        return [part for index in ids for part in splits.get(index, (index,))]

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer, (self.model, self.normalisation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and other.fingerprint == self.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Tokenizer({self.vocab_size:,} pieces, {self.fingerprint[:12]})"


def shared_room(length_a: int, length_b: int, room: int) -> tuple[int, int]:
    """How many tokens of A and of B stay when the longer (B on ties) gives way, token by token."""
    excess = length_a + length_b - room
    if excess <= 0:
        return length_a, length_b
    level = min(excess, abs(length_a - length_b))  # cut from the longer until both are equal
    cut_a, cut_b = (level, 0) if length_a > length_b else (0, level)
    rest = excess - level  # then by turns, B first
    return length_a - cut_a - rest // 2, length_b - cut_b - (rest + 1) // 2


def find_model(path: Path) -> Path:
    """The SentencePiece file that `path` is or holds. Raises VocabularyError when there is none."""
    if path.is_file():
        if path.name == "vocab.txt":
            raise VocabularyError(_WORDPIECE.format(path=path))
        return path
    if not path.is_dir():
        raise VocabularyError(f"{path} does not exist: name a vocabulary folder or {MODEL_FILE}")
    if (path / MODEL_FILE).is_file():
        return path / MODEL_FILE
    if (path / "vocab.txt").is_file():
        raise VocabularyError(_WORDPIECE.format(path=path / "vocab.txt"))
    raise VocabularyError(
        f"{path} holds no {MODEL_FILE}: name a vocabulary folder (see `litebert vocab train`)"
    )


_WORDPIECE = (
    "{path} is a WordPiece vocabulary, which this version does not read yet: "
    f"name a folder with {MODEL_FILE}"
)


def _read_normalisation(path: Path) -> Normalisation:
    if not path.is_file():
        return Normalisation()
    config = read_json(path, VocabularyError)
    if not isinstance(config, dict):
        raise VocabularyError(f"{path} is not a JSON object")
    values = {"lower_case": "do_lower_case", "keep_accents": "keep_accents"}
    try:
        found = {name: config[key] for name, key in values.items() if key in config}
        return Normalisation.model_validate(found, strict=True)
    except ValueError:
        raise VocabularyError(
            f"{path}: do_lower_case and keep_accents must be true or false"
        ) from None


def _fingerprint(model: bytes, normalisation: Normalisation) -> str:
    """SHA-256 of all that decides which ids a text gets."""
    digest = hashlib.sha256(model)
    digest.update(json.dumps(normalisation.model_dump(), sort_keys=True).encode())
    return digest.hexdigest()
