"""What litebert knows about the pieces of a SentencePiece model: special ids, word starts, commas.

Sources: the original's tokenization.py (`encode_pieces`) and create_pretraining_data.py
(`_is_start_piece_sp`), as they behave under Python 3.
"""

import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from litebert.foundation.errors import VocabularyError
from litebert.text.interface import special_ids

SPACE = "\u2581"  # how SentencePiece writes the space before a word
SPECIAL = {"pad": "<pad>", "unk": "<unk>", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_TRAIN_HINT = "train one with `litebert vocab train`"

# The original lists these symbols and forgets ' < and =, which makes pieces that hold one of the
# three foreign, hence word starts.
_SYMBOLS = frozenset(string.punctuation) - frozenset("'<=")
_ENGLISH = frozenset(string.ascii_lowercase) | _SYMBOLS


@dataclass(frozen=True)
class PieceTable:
    """The pieces of a model by id (V of them), and what follows from them."""

    pieces: list[str]
    special: dict[str, int]
    """Ids by the names of SPECIAL."""
    ordinary: NDArray[np.bool_]
    """(V,) whether a piece stands for text: it is neither control, unknown nor unused."""
    word_starts: NDArray[np.bool_]
    """(V,) whether a piece begins a word."""
    splits: dict[int, list[int]]
    """Digit-comma pieces: the ids the original writes in their place."""


def load_processor(model: bytes, where: Path | str = "the SentencePiece model") -> Any:
    """A SentencePiece processor of serialised model bytes. Raises VocabularyError if it is none."""
    try:
        processor = SentencePieceProcessor(model_proto=model)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        told = "" if ".cc(" in reason else f" ({reason})"  # a place in its source helps nobody
        raise VocabularyError(
            f"{where} is not a SentencePiece model{told}: {_TRAIN_HINT}"
        ) from None
    if processor.GetPieceSize() == 0:
        raise VocabularyError(f"{where} is not a SentencePiece model (no pieces): {_TRAIN_HINT}")
    return processor


def describe_pieces(processor: Any, where: Path | str = "the SentencePiece model") -> PieceTable:
    """The table of a model. Raises VocabularyError when it is damaged or lacks a special piece."""
    ids = list(range(processor.GetPieceSize()))
    try:
        pieces: list[str] = processor.IdToPiece(ids)
    except UnicodeDecodeError:
        raise VocabularyError(f"{where} is damaged (a piece is no text): {_TRAIN_HINT}") from None
    if not np.isfinite(processor.GetScore(ids)).all():
        raise VocabularyError(f"{where} is damaged (a piece has no score): {_TRAIN_HINT}")
    outside = [
        control or unknown or unused
        for control, unknown, unused in zip(
            processor.IsControl(ids), processor.IsUnknown(ids), processor.IsUnused(ids), strict=True
        )
    ]
    return PieceTable(
        pieces=pieces,
        special=special_ids(pieces, SPECIAL, where, f"it is no ALBERT vocabulary; {_TRAIN_HINT}"),
        ordinary=~np.array(outside, dtype=bool),
        word_starts=np.array([starts_word(piece) for piece in pieces], dtype=bool),
        splits=_digit_comma_splits(processor, pieces),
    )


def starts_word(piece: str) -> bool:
    """The original's rule: does whole-word masking begin a new word at this piece?

    True for a leading space or "<", a single listed symbol, and anything that is not plain English
    (digits, accents, other scripts); "ing" and "!!" continue the word before them.
    """
    if piece.startswith((SPACE, "<")) or piece in _SYMBOLS:
        return True
    return not all(letter.lower() in _ENGLISH for letter in piece)


def is_digit_comma(piece: str) -> bool:
    """Whether the original splits the comma off this piece: a digit before a final comma."""
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def _digit_comma_splits(processor: Any, pieces: list[str]) -> dict[int, list[int]]:
    """What the original encodes instead of each digit-comma piece.

    The part before the comma is encoded anew as a text of its own, so that it gets a leading space
    even in mid-word: under Python 3 the original compares bytes with text where it means to drop
    that space.
    """
    comma = processor.PieceToId(",")
    return {
        index: [*processor.Encode(piece[:-1].replace(SPACE, "")), comma]
        for index, piece in enumerate(pieces)
        if is_digit_comma(piece)
    }
