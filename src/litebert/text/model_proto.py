"""Two things SentencePiece's interface lacks: reading its normaliser's table, retiring pieces.

A model file is a protocol buffer; these need a page of code rather than another package. Field
numbers: sentencepiece_model.proto (ModelProto: pieces 1, normalizer_spec 3).
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from litebert.foundation.errors import VocabularyError

_PIECES = 1
_NORMALIZER_SPEC = 3
_PRECOMPILED_CHARSMAP = 2  # of the normaliser
_TYPE_UNUSED = b"\x18\x05"  # of a piece: field 3, a number, 5
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    """One field of a message: its number, its bytes as they lie there, and its content."""

    number: int
    raw: bytes
    content: bytes
    """What a string, bytes or message field holds; empty for numbers."""


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
            content = field.content + _TYPE_UNUSED  # the last value of a field counts
            parts += [bytes([_PIECES << 3 | _BYTES]), _written_varint(len(content)), content]
        else:
            parts.append(field.raw)
    return b"".join(parts)


def _fields(data: bytes) -> Iterator[_Field]:
    """The fields of a message, in order."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        kind, content = key & 7, b""
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            size, at = _varint(data, at)
            content = data[at : at + size]
            at += size
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise _damaged()
        if at > len(data):
            raise _damaged()
        yield _Field(key >> 3, data[start:at], content)


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


def _written_varint(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _damaged() -> VocabularyError:
    return VocabularyError("the SentencePiece model is damaged: fetch or train it again")
