"""Numbers and fields of protocol buffers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.wire import (
    BYTES,
    FIXED32,
    VARINT,
    WireError,
    bytes_field,
    fields,
    fixed32_field,
    number_field,
    read_varint,
    varint,
)


@given(st.integers(0, 2**64 - 1))
def test_a_number_is_read_as_it_was_written(value):
    written = varint(value)
    assert read_varint(b"\xff" + written + b"\x01", 1) == (value, len(written) + 1)


def test_fields_are_read_as_they_were_written():
    data = number_field(1, 300) + bytes_field(2, b"text") + fixed32_field(600, 2**32 - 1)
    one, two, three = fields(data)
    assert (one.number, one.kind, one.value) == (1, VARINT, 300)
    assert (two.number, two.kind, two.content) == (2, BYTES, b"text")
    assert (three.number, three.kind, three.value) == (600, FIXED32, 2**32 - 1)
    assert one.raw + two.raw + three.raw == data


def test_nothing_is_written_for_a_zero():
    assert number_field(1, 0) == b""


@pytest.mark.parametrize(
    "data",
    [b"\x80", b"\xff" * 9 + b"\x7f", b"\x80" * 11, b"\x0a\x05text", b"\x0d123", b"\x0b", b"\x08"],
)
def test_what_is_cut_short_or_unknown_is_refused(data):
    with pytest.raises(WireError):
        list(fields(data))
