"""ALBERT's vocabulary from `tokenizer.json` alone: the SentencePiece model it was made of, again.

transformers 5 writes no spiece.model. Its file still has the pieces, their scores and the
normaliser's compiled table; the steps that it puts around them are another pipeline than the
original's (see docs of `fast.py`), so they are read for their settings and not followed.
"""

import base64
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litebert.foundation.errors import VocabularyError
from litebert.text.fast import AVOIDED, RETIRED
from litebert.text.model_proto import Piece, PieceType, write_model
from litebert.text.pieces import SPACE, SPECIAL, is_digit_comma

_LOWEST = -50.0  # log probabilities of pieces are above; what was lowered on purpose is below
_LARGEST = 1e30  # beyond any score, and within single precision


def sentencepiece_model(content: dict[str, Any], where: Path | str) -> bytes:
    """The SentencePiece model behind a `tokenizer.json` with a Unigram model.

    Control pieces are the special ones; user-defined those that are added tokens or have the score
    0, as SentencePiece gives them; scores that were lowered to keep digit-comma pieces from being
    chosen are raised again. Raises VocabularyError where the file is damaged or not ALBERT's.
    """
    model = content["model"]
    if model.get("byte_fallback"):
        raise _foreign(where, "it falls back to bytes")
    rows = model.get("vocab")
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise VocabularyError(f"{where}: its vocabulary is not a list of pieces with their scores")
    if dict(rows).keys() & set(SPECIAL.values()) != set(SPECIAL.values()):
        raise _foreign(where, f"not all of {', '.join(SPECIAL.values())} are in its vocabulary")
    symbols = _user_symbols(content)
    pieces = [_piece(text, float(score), text in symbols) for text, score in rows]
    prefix = _dummy_prefix(content.get("pre_tokenizer"))
    if prefix is None:
        raise _foreign(where, f'it does not write spaces as "{SPACE}"')
    try:
        return write_model(pieces, _table(content), prefix)
    except UnicodeEncodeError:
        raise VocabularyError(f"{where} is damaged: a piece is no text") from None
    except ValueError:
        raise VocabularyError(f"{where} is damaged: its normaliser's table is not base64") from None


def stated_normalisation(content: dict[str, Any]) -> dict[str, bool]:
    """What the normaliser's steps say: whether they make lower case, and whether accents stay."""
    kinds = {step.get("type") for step in _steps(content.get("normalizer"), "normalizers")}
    return {"lower_case": "Lowercase" in kinds, "keep_accents": "NFKD" not in kinds}


def _piece(text: str, score: float, symbol: bool) -> Piece:
    if text == SPECIAL["unk"]:
        return Piece(text, score, PieceType.UNKNOWN)
    if text in SPECIAL.values():
        return Piece(text, score, PieceType.CONTROL)
    if symbol or score == 0:
        return Piece(text, score, PieceType.USER_DEFINED)
    if score < RETIRED - _LOWEST:
        return Piece(text, score - RETIRED, PieceType.UNUSED)
    if score < _LOWEST and is_digit_comma(text):
        score -= AVOIDED
    return Piece(text, score, PieceType.NORMAL)


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 2
        and isinstance(row[0], str)
        and isinstance(row[1], int | float)
        and math.isfinite(row[1])
        and abs(row[1]) < _LARGEST
    )


def _user_symbols(content: dict[str, Any]) -> set[str]:
    """Added tokens that are not special: what SentencePiece calls user-defined."""
    tokens = content.get("added_tokens")
    return {
        token["content"]
        for token in (tokens if isinstance(tokens, list) else [])
        if isinstance(token, dict) and isinstance(token.get("content"), str)
        if token.get("special") is not True
    }


def _table(content: dict[str, Any]) -> bytes:
    """The normaliser's compiled table, empty where there is none. Raises ValueError."""
    for step in _steps(content.get("normalizer"), "normalizers"):
        if step.get("type") == "Precompiled":
            encoded = step.get("precompiled_charsmap")
            if not isinstance(encoded, str):
                raise ValueError("no table")
            return base64.b64decode(encoded, validate=True)
    return b""


def _dummy_prefix(pre_tokenizer: Any) -> bool | None:
    """Whether a text gets a space before it; None where spaces are not written SentencePiece's way.

    Older files say `add_prefix_space`, newer ones `prepend_scheme`.
    """
    for step in _steps(pre_tokenizer, "pretokenizers"):
        if step.get("type") == "Metaspace" and step.get("replacement") == SPACE:
            scheme = step.get("prepend_scheme")
            return (
                step.get("add_prefix_space") is not False if scheme is None else scheme != "never"
            )
    return None


def _steps(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """The steps of a normaliser or pre-tokeniser: itself, or those of a sequence."""
    if isinstance(value, dict):
        inner = value.get(key)
        if value.get("type") == "Sequence" and isinstance(inner, list):
            yield from (step for step in inner if isinstance(step, dict))
        else:
            yield value


def _foreign(where: Path | str, reason: str) -> VocabularyError:
    return VocabularyError(f"{where} is not ALBERT's tokenizer ({reason}): litebert cannot read it")
