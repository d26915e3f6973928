"""What SentencePiece's interface lacks: its normaliser's table, retiring pieces, writing a model.

A model file is a protocol buffer. Field numbers: sentencepiece_model.proto (ModelProto: pieces 1,
trainer_spec 2, normalizer_spec 3).
"""

import struct
from collections.abc import Collection, Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from litebert.foundation.errors import VocabularyError
from litebert.foundation.wire import (
    VARINT,
    Field,
    WireError,
    bytes_field,
    fields,
    fixed32_field,
    number_field,
    varint,
)

_PIECES = 1
_TRAINER_SPEC = 2
_NORMALIZER_SPEC = 3
_PRECOMPILED_CHARSMAP = 2  # of the normaliser
_PIECE_TEXT, _PIECE_SCORE, _PIECE_TYPE = 1, 2, 3
_MODEL_TYPE, _BOS_ID, _EOS_ID = 3, 41, 42  # of the trainer's settings
_DUMMY_PREFIX = 3  # of the normaliser
_UNIGRAM = 1
_MINUS_ONE = (1 << 64) - 1  # as a varint has it


class PieceType(IntEnum):
    """What a piece is for, in SentencePiece's numbers."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5


class Piece(NamedTuple):
    """A piece of a model: its text, its log probability, and what it is for."""

    text: str
    score: float
    type: PieceType


def normaliser_table(model: bytes) -> bytes:
    """The compiled character map of a serialised model, empty where it has none.

    Raises VocabularyError when the bytes are cut short or no protocol buffer.
    """
    table = b""
    for field in _fields(model):
        if field.number == _NORMALIZER_SPEC:
            for inner in _fields(field.content):
                if inner.number == _PRECOMPILED_CHARSMAP:
                    table = inner.content
    return table


def retire_pieces(model: bytes, ids: Collection[int]) -> bytes:
    """The model with some pieces marked as unused: they keep their ids, and no text gets them."""
    parts: list[bytes] = []
    index = -1
    for field in _fields(model):
        index += field.number == _PIECES
        if field.number == _PIECES and index in ids:
            # The last value of a field counts.
            content = field.content + number_field(_PIECE_TYPE, PieceType.UNUSED)
            parts.append(bytes_field(_PIECES, content))
        else:
            parts.append(field.raw)
    return b"".join(parts)


def write_model(pieces: Iterable[Piece], table: bytes, dummy_prefix: bool = True) -> bytes:
    """A unigram model of these pieces whose normaliser has `table` (none where it is empty).

    `dummy_prefix` puts a space before a text. It has no pieces for the begin and end of a sentence,
    as ALBERT's. Raises OverflowError when a score is beyond single precision, UnicodeEncodeError
    when a piece has no UTF-8 form.
    """
    model = bytearray()
    for text, score, kind in pieces:
        bits = int.from_bytes(struct.pack("<f", score), "little")
        content = bytes_field(_PIECE_TEXT, text.encode("utf-8"))
        content += fixed32_field(_PIECE_SCORE, bits) + number_field(_PIECE_TYPE, kind)
        model += bytes_field(_PIECES, content)
    trainer = number_field(_MODEL_TYPE, _UNIGRAM)
    trainer += number_field(_BOS_ID, _MINUS_ONE) + number_field(_EOS_ID, _MINUS_ONE)
    model += bytes_field(_TRAINER_SPEC, trainer)
    normaliser = bytes_field(_PRECOMPILED_CHARSMAP, table) if table else b""
    # Written out where it is 0 too: a missing field means yes.
    normaliser += varint(_DUMMY_PREFIX << 3 | VARINT) + varint(int(dummy_prefix))
    return bytes(model + bytes_field(_NORMALIZER_SPEC, normaliser))


def _fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in order."""
    try:
        yield from fields(data)
    except WireError:
        raise VocabularyError(
            "the SentencePiece model is damaged: fetch or train it again"
        ) from None
