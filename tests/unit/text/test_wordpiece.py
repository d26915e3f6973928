"""WordPiece: the original's words and pieces, spans of the original text, pieces back to text."""

import pickle
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.foundation.errors import VocabularyError
from litebert.text.normalise import replace_surrogates
from litebert.text.tokenizer import WordPieceSettings, WordPieceTokenizer
from wordpieces import FOREIGN, original_pieces, original_words, small_wordpieces

# Scripts whose characters Python and the tokenizers library know alike; no capital sigma, which
# Python alone writes as ς at a word's end.
SCRIPTS = [(0, 0x17F), (0x300, 0x36F), (0x391, 0x3A1), (0x3B1, 0x3C9), (0x400, 0x4FF)]
SCRIPTS += [(0x5D0, 0x5EA), (0x904, 0x94D), (0x2010, 0x205E), (0x3041, 0x30FF), (0x4E00, 0x4FFF)]
SCRIPTS += [(0xAC00, 0xAFFF), (0x1F300, 0x1F5FF), (0x61, 0x7A), (0x61, 0x7A), (0x20, 0x40)]
KNOWN = st.one_of([st.characters(min_codepoint=a, max_codepoint=b) for a, b in SCRIPTS])
SNIPPETS = st.sampled_from(
    [
        *("  ", "\t\n", "[MASK]", "[PAD]", "1,999", "don't", "İ", "é", "e\u0301\u0300", "각", "ﷺ"),
        *("the value of", "敏捷的", "\u200f", "👩\u200d🔬", "\ufffd", "\x01", "\ud800", "א\u05b8ב"),
    ]
)
TEXTS = st.lists(st.one_of(SNIPPETS, st.text(max_size=8)), max_size=12).map("".join)
STEADY = settings(max_examples=150, deadline=None, database=None)
BOTH = pytest.mark.parametrize("name", ["wordpiece", "cased_wordpiece"])


def original_ids(tokenizer, text):
    known = frozenset(tokenizer.pieces)
    words = original_words(text, tokenizer.settings.lower_case)
    pieces = [piece for word in words for piece in original_pieces(word, known)]
    position = {piece: index for index, piece in enumerate(tokenizer.pieces)}
    return [position[piece] for piece in pieces]


def pieces_in_text(tokenizer, text):
    encoding = tokenizer.encode_with_offsets(text)
    rows = zip(encoding.ids, encoding.spans, strict=True)
    return [(tokenizer.pieces[index], text[start:end]) for index, (start, end) in rows]


@BOTH
@STEADY
@given(text=st.one_of(st.text(KNOWN, max_size=60), st.sampled_from(FOREIGN)))
def test_a_text_gets_the_ids_the_original_describes(name, text, request):
    tokenizer = request.getfixturevalue(name)
    ids = tokenizer.encode(text)
    assert ids == original_ids(tokenizer, text)
    assert tokenizer.encode_batch(["x", text, ""]) == [tokenizer.encode("x"), ids, []]


def test_running_text_gets_the_ids_the_original_describes(wordpiece, cased_wordpiece, english):
    for text in english[:400]:
        assert wordpiece.encode(text) == original_ids(wordpiece, text)
        assert cased_wordpiece.encode(text) == original_ids(cased_wordpiece, text)


@pytest.mark.parametrize(
    ("text", "ours", "original"),
    [
        ("ΤΕΛΟΣ", ["τελοσ"], ["τελος"]),  # the sigma at a word's end
        ("a\ue000b", ["ab"], ["a\ue000b"]),  # private use
        ("a\U0002b820b", ["a\U0002b820b"], ["a", "\U0002b820", "b"]),  # 256 rare Chinese characters
    ],
)
def test_what_differs_from_the_original_is_known(text, ours, original):
    letters = sorted({*"".join(ours), *"".join(original)})
    pieces = [*small_wordpieces()[:5], *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = WordPieceTokenizer(list(dict.fromkeys([*pieces, *ours, *original])))
    assert [tokenizer.pieces[index] for index in tokenizer.encode(text)] == ours
    assert original_words(text, lower_case=True) == original


def test_special_pieces_in_a_text_are_only_text(wordpiece):
    words = [piece for piece, _ in pieces_in_text(wordpiece, "[MASK][CLS]")]
    assert words[0] == "["
    assert words.count("]") == 2
    special = {wordpiece.mask_id, wordpiece.cls_id, wordpiece.unk_id}
    assert special.isdisjoint(wordpiece.encode("[MASK] [CLS] [UNK]"))


def test_a_word_of_more_than_200_characters_is_unknown(wordpiece):
    assert len(wordpiece.encode("x" * 200)) > 1
    assert wordpiece.encode("x" * 201) == [wordpiece.unk_id]
    short = WordPieceTokenizer(wordpiece.pieces, WordPieceSettings(longest_word=100))
    assert short.encode("x" * 101) == [short.unk_id]


def test_settings_decide_about_case_accents_and_chinese(wordpiece):
    text = "Été 敏捷"
    expected = {
        (True, None, True): "ete 敏 捷",
        (True, False, True): "été 敏 捷",
        (False, None, True): "Été 敏 捷",
        (False, True, True): "Ete 敏 捷",
        (True, None, False): "ete 敏捷",
    }
    for (lower_case, strip_accents, chinese), seen in expected.items():
        asked = WordPieceSettings(
            lower_case=lower_case, strip_accents=strip_accents, chinese_characters=chinese
        )
        tokenizer = WordPieceTokenizer(wordpiece.pieces, asked)
        assert " ".join(tokenizer._backend.normalizer.normalize_str(text).split()) == seen
        assert tokenizer.encode(text) == tokenizer.encode_with_offsets(text).ids


@pytest.mark.parametrize(
    "text", ["a\0b", "\ud800", "א\u200fב", "👩\u200d👩\u200d👧", "", " \u3000\n"]
)
def test_odd_text_is_encoded(wordpiece, text):
    assert wordpiece.encode(text) == wordpiece.encode_with_offsets(text).ids


def test_a_line_of_a_megabyte_is_encoded(wordpiece):
    encoding = wordpiece.encode_with_offsets("the value, 1999, of été " * 42_000)
    assert len(encoding.ids) > 200_000
    assert encoding.spans[-1][1] == 24 * 42_000 - 1
    assert wordpiece.encode("x1" * 500_000) == [wordpiece.unk_id]


@BOTH
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
    normaliser = tokenizer._backend.normalizer
    for index, (start, end) in zip(encoding.ids, encoding.spans, strict=True):
        part = text[start:end]
        assert 0 <= start < end <= len(text)
        assert part == part.strip(" \t\n\r\u3000\xa0")
        if index != tokenizer.unk_id:
            letters = tokenizer.pieces[index].removeprefix("##")
            assert letters in normaliser.normalize_str(replace_surrogates(part))


def test_an_accent_lies_in_the_span_of_its_letter(wordpiece):
    for text in ("résumé", "re\u0301sume\u0301\u0300"):
        assert "".join(part for _, part in pieces_in_text(wordpiece, text)) == text


def test_parts_of_a_korean_syllable_share_its_span(wordpiece):
    rows = pieces_in_text(wordpiece, "다람쥐")
    parts = [part for piece, part in rows]
    assert set("".join(parts)) == set("다람쥐")
    assert unicodedata.normalize("NFD", "다람쥐") == "".join(p.removeprefix("##") for p, _ in rows)


def test_decoding_gives_text_that_is_encoded_alike(wordpiece):
    assert wordpiece.decode(wordpiece.encode("The value, of it.")) == "the value, of it."
    assert wordpiece.decode(wordpiece.encode("敏捷的，棕色")) == "敏捷的，棕色"
    pair = wordpiece.pair("one thing", "another")
    assert wordpiece.decode(pair.ids) == "one thing another"
    assert wordpiece.decode([wordpiece.mask_id, wordpiece.unk_id]) == "[UNK]"


@BOTH
@STEADY
@given(text=st.text(st.sampled_from("abcde XYZ.,!?'-敏捷éß1"), max_size=40))
def test_what_was_decoded_encodes_to_the_same_ids(name, text, request):
    tokenizer = request.getfixturevalue(name)
    ids = tokenizer.encode(text)
    assert tokenizer.encode(tokenizer.decode(ids)) == ids


@pytest.mark.parametrize("index", [-1, 10**6])
def test_decoding_an_id_outside_the_vocabulary_is_refused(wordpiece, index):
    with pytest.raises(VocabularyError, match=f"id {index} is outside"):
        wordpiece.decode([index])


def test_words_start_at_pieces_that_do_not_continue_one(wordpiece):
    starts = dict(zip(wordpiece.pieces, wordpiece.word_starts, strict=True))
    assert starts["the"]
    assert starts["敏"]
    assert not starts["##s"]
    assert wordpiece.spelling(wordpiece.pieces.index("the")) == (" ", "the")
    assert wordpiece.spelling(wordpiece.pieces.index("##s")) == ("", "s")


def test_ordinary_ids_are_those_that_text_can_get(wordpiece):
    outside = {*wordpiece.pieces} - {wordpiece.pieces[i] for i in wordpiece.ordinary_ids}
    assert outside == {*small_wordpieces()[:7]}


def test_threads_and_pickles_give_the_same_ids(cased_wordpiece):
    texts = [f"line {n}, with 1999, Résumés" for n in range(200)]
    expected = cased_wordpiece.encode_batch(texts)
    copy = pickle.loads(pickle.dumps(cased_wordpiece))
    assert copy == cased_wordpiece
    assert copy.settings == cased_wordpiece.settings
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(copy.encode, texts)) == expected


def test_the_fingerprint_depends_on_what_decides_the_ids(wordpiece, cased_wordpiece):
    assert wordpiece != cased_wordpiece
    said = WordPieceTokenizer(wordpiece.pieces, WordPieceSettings(strip_accents=True))
    assert said == wordpiece  # as lower case implies
    other = WordPieceTokenizer([*wordpiece.pieces, "anotherone"])
    assert other != wordpiece
    assert repr(wordpiece).startswith("WordPieceTokenizer(")
