"""Piece facts: word starts, the digit-comma rule, special ids."""

import numpy as np
import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.pieces import is_digit_comma, load_processor, starts_word


@pytest.mark.parametrize("piece", ["▁the", "▁", "<unk>", ".", ",", "£", "1", "ä", "'s", "n't", "="])
def test_a_word_starts_at(piece):
    assert starts_word(piece)


@pytest.mark.parametrize("piece", ["ing", "S", "s.", "!!", "a-b", "[MASK]"])
def test_a_word_goes_on_at(piece):
    assert not starts_word(piece)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [("▁1,", True), ("12,", True), (",", False), ("▁a,", False), ("1,0", False), ("², ", False)],
)
def test_digit_comma_pieces_are_recognised(piece, expected):
    assert is_digit_comma(piece) is expected


@pytest.mark.parametrize("model", [b"", b"no model", b"\x00" * 64, b"\xff" * 64])
def test_bytes_that_are_no_model_are_refused(model):
    with pytest.raises(VocabularyError, match="not a SentencePiece model"):
        load_processor(model)


def test_ordinary_ids_are_all_but_the_special_pieces(tokenizer):
    special = {tokenizer.pad_id, tokenizer.unk_id, tokenizer.cls_id}
    special |= {tokenizer.sep_id, tokenizer.mask_id}
    assert special == {0, 1, 2, 3, 4}
    retired = {i for i, piece in enumerate(tokenizer.pieces) if is_digit_comma(piece)}
    assert retired
    assert set(tokenizer.ordinary_ids) == set(range(tokenizer.vocab_size)) - special - retired
    assert tokenizer.pieces[5:13] == ["(", ")", '"', "-", ".", "–", "£", "€"]


def test_word_starts_cover_the_vocabulary(tokenizer):
    assert tokenizer.word_starts.shape == (tokenizer.vocab_size,)
    assert tokenizer.word_starts.dtype == np.bool_
    starts = dict(zip(tokenizer.pieces, tokenizer.word_starts, strict=True))
    assert starts["▁the"]
    assert not starts["s"]
