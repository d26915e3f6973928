"""Text to ids with a WordPiece vocabulary: BERT, and the Chinese ALBERT.

Source: `BasicTokenizer` and `WordpieceTokenizer` of the original's tokenization.py, as the
`tokenizers` library has them. Against the original it differs in the tables of Unicode it knows
(characters younger than its own, private use, 256 rare Chinese ones) and in the final sigma, which
the original alone writes as ς when it makes lower case.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers

from litebert.text.fast import fast_config
from litebert.text.interface import Encoding, Tokenizer, special_ids
from litebert.text.normalise import replace_surrogates
from litebert.text.source import LIST_FILE, Source, refuse_added_pieces
from litebert.text.wordpiece_files import (
    INSIDE,
    SPECIAL,
    WordPieceSettings,
    check_pieces,
    fast_wordpiece,
    read_vocabulary,
    stored_settings,
)

__all__ = ["WordPieceSettings", "WordPieceTokenizer"]

_MARKER = re.compile(
    r"\[.+\]", re.DOTALL
)  # brackets stand alone in text: no text gets such a piece
_CHINESE = (  # the blocks of the original's `_is_chinese_char`
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b820-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f"
)
_CHINESE_SPACE = re.compile(f"(?<=[{_CHINESE}]) | (?=[{_CHINESE}])")


class WordPieceTokenizer(Tokenizer, kind="WordPiece"):
    """A list of pieces, and how text becomes words before the longest matches are taken.

    "[MASK]" in a text is a bracket, a word and a bracket, as in the original (in transformers it is
    the mask). Raises VocabularyError when special pieces are missing or a piece cannot be one.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        settings: WordPieceSettings | None = None,
        where: Path | str = "the vocabulary",
    ) -> None:
        self.settings = settings or WordPieceSettings()
        check_pieces(pieces, lambda index: f"{where}, id {index}")
        special = special_ids(pieces, SPECIAL, where, "it is no vocabulary of BERT's kind")
        ordinary = np.array([_MARKER.fullmatch(piece) is None for piece in pieces], dtype=bool)
        starts = np.array([not piece.startswith(INSIDE) for piece in pieces], dtype=bool)
        self._describe(pieces, special, ordinary, starts)
        self.fingerprint = _fingerprint(self.pieces, self.settings)
        self._backend = _backend(self.pieces, self.settings)
        self._silent = frozenset(special.values()) - {self.unk_id}

    @classmethod
    def _open(cls, source: Source) -> Self:
        pieces, settings = read_vocabulary(source)
        tokenizer = cls(pieces, settings, where=source.file)
        refuse_added_pieces(source, frozenset(pieces))
        return tokenizer

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens: whatever is written in it is only text."""
        ids: list[int] = self._backend.encode(replace_surrogates(text)).ids
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts, on one thread."""
        # Their encode_batch starts threads of its own, which a process must not have when it forks.
        encode = self._backend.encode
        return [encode(replace_surrogates(text)).ids for text in texts]

    def encode_with_offsets(self, text: str) -> Encoding:
        """The ids of `encode` with the characters of the ORIGINAL text that each stands for.

        A dropped accent belongs to the character before it; pieces of one character (the parts of a
        Korean syllable without its marks) share its span.
        """
        encoded = self._backend.encode(replace_surrogates(text))
        spans: list[tuple[int, int]] = encoded.offsets
        if self.settings.drops_accents and not text.isascii():
            spans = _with_marks(text, spans)
        return Encoding(encoded.ids, spans)

    def spelling(self, index: int) -> tuple[str, str]:
        """What a piece looks like in running text: a space or nothing, and its letters."""
        piece = self.pieces[index]
        return ("", piece.removeprefix(INSIDE)) if piece.startswith(INSIDE) else (" ", piece)

    def fast_file(self) -> str:
        """The text of `tokenizer.json`; it gives the same ids where no special piece is spelled."""
        return fast_wordpiece(self.pieces, self.settings)

    def _own_file(self) -> tuple[str, bytes]:
        return LIST_FILE, "".join(f"{piece}\n" for piece in self.pieces).encode()

    def _config(self, max_length: int) -> dict[str, Any]:
        return fast_config(SPECIAL, stored_settings(self.settings), max_length)

    def _decode(self, ids: list[int]) -> str:
        pieces = [self.pieces[index] for index in ids if index not in self._silent]
        text: str = self._backend.decoder.decode(pieces)
        return _CHINESE_SPACE.sub("", text) if self.settings.chinese_characters else text

    def __reduce__(self) -> tuple[Any, ...]:
        return WordPieceTokenizer, (self.pieces, self.settings)


def _backend(pieces: list[str], settings: WordPieceSettings) -> Any:
    """The library's tokenizer, without added tokens: nothing in a text is special to it."""
    numbered = {piece: index for index, piece in enumerate(pieces)}
    backend: Any = Backend(
        models.WordPiece(
            numbered,
            unk_token=SPECIAL["unk"],
            max_input_chars_per_word=settings.longest_word,
        )
    )
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.chinese_characters,
        strip_accents=settings.drops_accents,
        lowercase=settings.lower_case,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix=INSIDE, cleanup=True)
    return backend


def _with_marks(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, each with the dropped marks behind it."""
    longer = []
    limits = [*(start for start, _ in spans), len(text)][1:]
    for (start, end), limit in zip(spans, limits, strict=True):
        while end < limit and unicodedata.category(text[end]) == "Mn":
            end += 1
        longer.append((start, end))
    return longer


def _fingerprint(pieces: list[str], settings: WordPieceSettings) -> str:
    """SHA-256 of all that decides which ids a text gets."""
    digest = hashlib.sha256("\n".join(["WordPiece", *pieces]).encode())
    values = {**settings.model_dump(), "strip_accents": settings.drops_accents}
    digest.update(json.dumps(values, sort_keys=True).encode())
    return digest.hexdigest()
