"""The wire format of protocol buffers: variable-length integers, and the fields of a message.

Enough to read and write the few messages we need, in a page of code rather than another package.
Source: the format's public description ("Encoding").
"""

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LARGEST = 1 << 64  # numbers are of 64 bits


class WireError(ValueError):
    """Bytes are cut short, or no protocol buffer. Whoever reads a file says which one."""


class Field(NamedTuple):
    """One field of a message: its number, its bytes as they lie there, and its content."""

    number: int
    kind: int
    """VARINT, FIXED64, BYTES or FIXED32."""
    raw: bytes
    content: bytes = b""
    """What a string, bytes or message field holds; empty for numbers."""
    value: int = 0
    """What a number's field holds; 0 for bytes."""


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in order. Raises WireError at the first that is damaged."""
    at = 0
    while at < len(data):
        start = at
        key, at = read_varint(data, at)
        kind, content, value = key & 7, b"", 0
        if kind == VARINT:
            value, at = read_varint(data, at)
        elif kind == BYTES:
            size, at = read_varint(data, at)
            content = data[at : at + size]
            at += size
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
            value = int.from_bytes(data[at : at + size], "little")
            at += size
        else:
            raise WireError(f"a field of the unknown kind {kind}")
        if at > len(data):
            raise WireError("a field that is cut short")
        yield Field(key >> 3, kind, data[start:at], content, value)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The variable-length integer at a position, and the position behind it.

    Raises WireError where it is cut short or has more than 64 bits.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= _LARGEST:
                break
            return value, at
    raise WireError("a number that is cut short or too large")


def varint(value: int) -> bytes:
    """A number from 0 as a variable-length integer."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def number_field(number: int, value: int) -> bytes:
    """A field that holds a number; none for 0, which is what a missing field means."""
    return varint(number << 3 | VARINT) + varint(value) if value else b""


def bytes_field(number: int, content: bytes) -> bytes:
    """A field that holds bytes or a message."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def fixed32_field(number: int, value: int) -> bytes:
    """A field that holds a number of 32 bits in four bytes."""
    return varint(number << 3 | FIXED32) + value.to_bytes(4, "little")
