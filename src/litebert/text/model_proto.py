"""The one thing SentencePiece's interface does not tell: the table of its text normaliser.

A model file is a protocol buffer; reading a single field takes a page, so no other package does.
Field numbers: sentencepiece_model.proto (ModelProto.normalizer_spec 3, .precompiled_charsmap 2).
"""

from collections.abc import Iterator

from litebert.foundation.errors import VocabularyError

_NORMALIZER_SPEC = 3
_PRECOMPILED_CHARSMAP = 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def normaliser_table(model: bytes) -> bytes:
    """The compiled character map of a serialised model, empty where it has none.

    Raises VocabularyError when the bytes are cut short or no protocol buffer.
    """
    table = b""
    for number, spec in _byte_fields(model):
        if number == _NORMALIZER_SPEC:
            for inner, value in _byte_fields(spec):
                if inner == _PRECOMPILED_CHARSMAP:
                    table = value
    return table


def _byte_fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(field number, content) of the length-delimited fields of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise _damaged()
            yield key >> 3, data[at : at + size]
            at += size
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise _damaged()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The variable-length integer at a position, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _damaged()


def _damaged() -> VocabularyError:
    return VocabularyError("the SentencePiece model is damaged: fetch or train it again")
