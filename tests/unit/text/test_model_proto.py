"""Reading one field of a model file."""

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.model_proto import normaliser_table, retire_pieces
from litebert.text.tokenizer import SentencePieceTokenizer


def field(number, content):
    """A length-delimited field of less than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def test_the_table_is_found_between_other_fields():
    other = bytes([1 << 3, 0x96, 0x01]) + bytes([5 << 3 | 5]) + b"1234" + bytes([6 << 3 | 1])
    spec = field(1, b"nmt_nfkc") + field(2, b"table") + bytes([3 << 3, 1])
    assert normaliser_table(field(1, b"piece") + other + b"12345678" + field(3, spec)) == b"table"


def test_a_model_without_a_table_has_an_empty_one():
    assert normaliser_table(field(3, field(1, b"identity"))) == b""


def test_the_table_of_a_trained_model_is_sentencepieces_own(tokenizer):
    assert len(normaliser_table(tokenizer.model)) > 100_000


def test_a_retired_piece_keeps_its_id_and_is_never_used(tokenizer):
    word = tokenizer.encode("the")[0]
    model = retire_pieces(tokenizer.model, {word})
    other = SentencePieceTokenizer(model)
    assert other.pieces == tokenizer.pieces
    assert word not in other.encode("the")
    assert word not in other.ordinary_ids
    assert other.encode("value") == tokenizer.encode("value")
    assert retire_pieces(tokenizer.model, ()) == tokenizer.model


@pytest.mark.parametrize("model", [b"\x1a\x7f", b"\x80" * 11, b"\x1b\x00", b"\x1a"])
def test_damaged_bytes_are_refused(model):
    with pytest.raises(VocabularyError, match="damaged"):
        normaliser_table(model)
