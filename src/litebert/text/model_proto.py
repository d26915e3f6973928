"""Two things SentencePiece's interface lacks: reading its normaliser's table, retiring pieces.

A model file is a protocol buffer. Field numbers: sentencepiece_model.proto (ModelProto: pieces 1,
normalizer_spec 3).
"""

from collections.abc import Collection, Iterator

from litebert.foundation.errors import VocabularyError
from litebert.foundation.wire import Field, WireError, bytes_field, fields

_PIECES = 1
_NORMALIZER_SPEC = 3
_PRECOMPILED_CHARSMAP = 2  # of the normaliser
_TYPE_UNUSED = b"\x18\x05"  # of a piece: field 3, a number, 5


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
            parts.append(bytes_field(_PIECES, field.content + _TYPE_UNUSED))
        else:
            parts.append(field.raw)
    return b"".join(parts)


def _fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in order."""
    try:
        yield from fields(data)
    except WireError:
        raise VocabularyError(
            "the SentencePiece model is damaged: fetch or train it again"
        ) from None
