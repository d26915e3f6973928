"""Spans of the original text: in order, inside the text, and holding what the piece says."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.text.normalise import normalise
from litebert.text.pieces import SPACE

SNIPPETS = st.sampled_from(
    [
        "  ",
        "\t\n",
        "1999, ",
        "12,",
        "½",
        "ﷺ",
        "ｶﾞ",
        "が",
        "각",
        "é",
        "İ",
        "ΣΑΣ",
        "…",
        "\x01",
        "👩\u200d🔬",
        "�",
        "▁the",
        "[MASK]",
        "<pad>",
        "the value of",
        "(a-b)",
        "\u200f",
        "日本",
    ]
)
TEXTS = st.lists(st.one_of(SNIPPETS, st.text(max_size=8)), max_size=12).map("".join)
STEADY = settings(max_examples=150, deadline=None, database=None)


def pieces_in_text(tokenizer, text):
    encoding = tokenizer.encode_with_offsets(text)
    rows = zip(encoding.ids, encoding.spans, strict=True)
    return [(tokenizer.pieces[index], text[start:end]) for index, (start, end) in rows]


def spelled(tokenizer, text):
    """A slice of text as SentencePiece spells it, without spaces; both sigmas are one letter."""
    seen = tokenizer._processor.Normalize(normalise(text, tokenizer.normalisation))
    return unicodedata.normalize("NFD", seen.replace(SPACE, "").replace("ς", "σ"))


@pytest.mark.parametrize("name", ["tokenizer", "faithful_tokenizer", "comma_tokenizer"])
@STEADY
@given(text=TEXTS)
def test_spans_follow_the_text_and_hold_their_piece(name, text, request):
    tokenizer = request.getfixturevalue(name)
    encoding = tokenizer.encode_with_offsets(text)
    assert encoding.ids == tokenizer.encode(text)
    starts = [start for start, _ in encoding.spans]
    ends = [end for _, end in encoding.spans]
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    for index, (start, end) in zip(encoding.ids, encoding.spans, strict=True):
        assert 0 <= start <= end <= len(text)
        if index != tokenizer.unk_id:
            letters = tokenizer.pieces[index].replace(SPACE, "").replace("ς", "σ")
            assert unicodedata.normalize("NFD", letters) in spelled(tokenizer, text[start:end])


def test_spans_leave_the_space_before_a_word_out(tokenizer):
    rows = pieces_in_text(tokenizer, "  The \t object's  value")
    assert [(piece, part) for piece, part in rows if piece.startswith(SPACE)] == [
        ("▁the", "The"),
        ("▁object", "object"),
        ("▁value", "value"),
    ]


def test_an_accent_lies_in_the_span_of_its_letter(tokenizer):
    for text in ("résumé", "re\u0301sume\u0301"):
        rows = pieces_in_text(tokenizer, text)
        assert "".join(part for _, part in rows) == text


def test_pieces_of_one_character_share_it(tokenizer):
    assert {part for piece, part in pieces_in_text(tokenizer, "½") if piece != SPACE} == {"½"}


def test_a_comma_split_off_a_number_has_its_own_span(comma_tokenizer):
    text = "in 19, x19, or 10,000"
    rows = pieces_in_text(comma_tokenizer, text)
    assert "".join(part for _, part in rows) == text.replace(" ", "")
    assert (",", ",") in rows


def test_a_lone_space_has_an_empty_span_before_what_follows(tokenizer):
    encoding = tokenizer.encode_with_offsets("a (b)")
    assert [tokenizer.pieces[i] for i in encoding.ids] == ["▁a", "▁", "(", "b", ")"]
    assert encoding.spans == [(0, 1), (2, 2), (2, 3), (3, 4), (4, 5)]


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u0301"])
def test_a_text_of_nothing_has_no_pieces(tokenizer, text):
    assert tokenizer.encode_with_offsets(text).spans == []
