"""Text to ids with a SentencePiece model, id for id as the original ALBERT under Python 3."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sentencepiece import set_min_log_level

from litebert.foundation.errors import VocabularyError
from litebert.text.fast import fast_config, fast_tokenizer
from litebert.text.interface import Encoding, Tokenizer
from litebert.text.normalise import Normalisation, normalise, normalise_aligned
from litebert.text.offsets import piece_spans
from litebert.text.pieces import SPACE, SPECIAL, describe_pieces, load_processor
from litebert.text.source import MODEL_FILE, Source, read_bytes, refuse_added_pieces
from litebert.text.subwords import SubwordSettings, draw
from litebert.text.unigram import sentencepiece_model, stated_normalisation

_ERRORS = 2  # SentencePiece's level of messages that are more than warnings


class SentencePieceTokenizer(Tokenizer, kind="SentencePiece"):
    """A SentencePiece model with the normalisation it was trained with.

    Beside a Tokenizer's attributes: `model`, its bytes, and `normalisation`. The piece of a lone
    space has an empty span, and pieces of one character (as "½") share its span. Raises
    VocabularyError when the bytes are no such model, or one without the special pieces.
    """

    def __init__(
        self,
        model: bytes,
        normalisation: Normalisation | None = None,
        where: Path | str = "the SentencePiece model",
    ) -> None:
        self.model = model
        self.normalisation = normalisation or Normalisation()
        self._where = where
        self._processor = load_processor(model, where)
        table = describe_pieces(self._processor, where)
        self._describe(table.pieces, table.special, table.ordinary, table.word_starts)
        self.fingerprint = _fingerprint(model, self.normalisation)
        self._splits = table.splits
        self._split_ids = frozenset(table.splits)

    @classmethod
    def _open(cls, source: Source) -> Self:
        if source.fast is None:
            model, stated = read_bytes(source.file), {}
        else:  # what transformers 5 writes: tokenizer.json alone
            model = sentencepiece_model(source.fast, source.file)
            stated = stated_normalisation(source.fast)
        tokenizer = cls(model, _normalisation(stated, source), where=source.file)
        refuse_added_pieces(source, frozenset(tokenizer.pieces))
        return tokenizer

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens: whatever is written in it is only text."""
        ids: list[int] = self._processor.Encode(normalise(text, self.normalisation))
        return ids if self._split_ids.isdisjoint(ids) else self._split_commas(ids)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts, on one thread: the fast way where there are many short ones."""
        settings = self.normalisation
        plain = [normalise(text, settings) for text in texts]
        rows: list[list[int]] = self._processor.Encode(plain, num_threads=1)
        free = self._split_ids.isdisjoint
        return [row if free(row) else self._split_commas(row) for row in rows]

    @cached_property
    def can_sample(self) -> bool:
        """Whether its model knows several ways to cut a text, as a unigram model does."""
        try:
            self._processor.NBestEncode("a", nbest_size=2)
        except RuntimeError:
            return False
        return True

    def sample_batch(
        self, texts: Sequence[str], uniforms: NDArray[np.float64], settings: SubwordSettings
    ) -> list[list[list[int]]]:
        """For each row of numbers in [0, 1), (N, texts), the ids of every text cut as they draw.

        Equal numbers give equal ids, whatever was drawn before.
        """
        set_min_log_level(_ERRORS)  # or it remarks on every long sentence: too many ways to cut it
        rows: list[list[list[int]]] = [[] for _ in uniforms]
        scores = np.array(self.scores())
        for index, text in enumerate(texts):
            plain = normalise(text, self.normalisation)
            ways = self._processor.NBestEncode(plain, nbest_size=settings.nbest, out_type=int)
            for row, ids in zip(
                rows, draw(ways, scores, settings.alpha, uniforms[:, index]), strict=True
            ):
                row.append(self._split_commas(ids))
        return rows

    def encode_with_offsets(self, text: str) -> Encoding:
        """The ids of `encode` with the characters of the ORIGINAL text that each stands for."""
        aligned = normalise_aligned(text, self.normalisation)
        try:
            ids, spans = piece_spans(self._processor, aligned, self._splits)
        except UnicodeDecodeError:  # its table turns text into bytes that are none
            raise VocabularyError(
                f"{self._where} is damaged (its normaliser's table): fetch or train it again"
            ) from None
        return Encoding(ids, spans)

    def spelling(self, index: int) -> tuple[str, str]:
        """What a piece looks like in running text: a space or nothing, and its letters."""
        piece = self.pieces[index]
        return (" " if piece.startswith(SPACE) else "", piece.replace(SPACE, ""))

    def scores(self) -> list[float]:
        """The log probability of each piece, by id."""
        scores: list[float] = self._processor.GetScore(list(range(self.vocab_size)))
        return scores

    def fast_file(self) -> str:
        """The text of `tokenizer.json`; see `agreement.py` for how far it gives the same ids."""
        return fast_tokenizer(self.model, self.normalisation)

    def _own_file(self) -> tuple[str, bytes]:
        return MODEL_FILE, self.model

    def _config(self, max_length: int) -> dict[str, Any]:
        settings = {
            "do_lower_case": self.normalisation.lower_case,
            "keep_accents": self.normalisation.keep_accents,
        }
        return fast_config(SPECIAL, settings, max_length)

    def _decode(self, ids: list[int]) -> str:
        text: str = self._processor.Decode(ids)
        return text

    def _split_commas(self, ids: list[int]) -> list[int]:
        splits = self._splits
        return [part for index in ids for part in splits.get(index, (index,))]

    def __reduce__(self) -> tuple[Any, ...]:
        return SentencePieceTokenizer, (self.model, self.normalisation)


def _normalisation(stated: dict[str, bool], source: Source) -> Normalisation:
    """What tokenizer_config.json says, then what tokenizer.json shows, then the original's."""
    values = {"lower_case": "do_lower_case", "keep_accents": "keep_accents"}
    found = {name: source.config[key] for name, key in values.items() if key in source.config}
    try:
        return Normalisation.model_validate({**stated, **found}, strict=True)
    except ValueError:
        raise VocabularyError(
            f"{source.config_file}: do_lower_case and keep_accents must be true or false"
        ) from None


def _fingerprint(model: bytes, normalisation: Normalisation) -> str:
    """SHA-256 of all that decides which ids a text gets."""
    digest = hashlib.sha256(model)
    digest.update(json.dumps(normalisation.model_dump(), sort_keys=True).encode())
    return digest.hexdigest()
