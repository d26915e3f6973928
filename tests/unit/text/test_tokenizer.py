"""The tokenizer: encoding, pairs, decoding, loading and saving."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.foundation.errors import ConfigError, VocabularyError
from litebert.text.normalise import Normalisation, normalise
from litebert.text.pieces import SPACE, is_digit_comma
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer, shared_room

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
NUMBERS = st.text("0123456789,. a(", max_size=30)
STEADY = settings(max_examples=150, deadline=None, database=None)


def original_ids(tokenizer, text):
    """The original's `encode_ids` as described: pieces as text, digit-comma pieces encoded anew."""
    processor = tokenizer._processor
    pieces = []
    for piece in processor.EncodeAsPieces(normalise(text, tokenizer.normalisation)):
        if is_digit_comma(piece):
            pieces += [*processor.EncodeAsPieces(piece[:-1].replace(SPACE, "")), ","]
        else:
            pieces.append(piece)
    return [processor.PieceToId(piece) for piece in pieces]


@pytest.mark.parametrize("name", ["tokenizer", "comma_tokenizer"])
@STEADY
@given(text=st.one_of(ANY_TEXT, NUMBERS))
def test_any_text_gets_the_ids_the_original_describes(name, text, request):
    tokenizer = request.getfixturevalue(name)
    ids = tokenizer.encode(text)
    assert ids == original_ids(tokenizer, text)
    assert tokenizer.encode_batch(["x", text, ""]) == [tokenizer.encode("x"), ids, []]


def test_a_comma_after_a_digit_is_a_piece_of_its_own(comma_tokenizer):
    inside = [
        piece for piece in comma_tokenizer.pieces if is_digit_comma(piece) and piece[0] != SPACE
    ]
    assert inside  # the rule is seldom needed in mid-word, so here are such pieces
    ids = comma_tokenizer.encode(f"x{inside[0]} y")
    again = comma_tokenizer.encode(inside[0][:-1])  # with a space of its own: the original's slip
    assert ids == [
        *comma_tokenizer.encode("x"),
        *again,
        comma_tokenizer.pieces.index(","),
        *comma_tokenizer.encode("y"),
    ]


def test_special_pieces_in_a_text_are_only_text(tokenizer):
    ids = tokenizer.encode("[CLS] <pad> [MASK]")
    assert {tokenizer.cls_id, tokenizer.pad_id, tokenizer.mask_id}.isdisjoint(ids)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "א\u200fב", "👩\u200d👩\u200d👧"])
def test_odd_text_is_encoded(tokenizer, text):
    assert tokenizer.encode(text) == tokenizer.encode_with_offsets(text).ids


def test_a_line_of_a_megabyte_is_encoded(tokenizer):
    text = "the value, 1999, of été " * 40_000
    assert len(tokenizer.encode(text)) > 200_000


def test_one_long_word_is_encoded(tokenizer):
    assert len(tokenizer.encode("x1" * 50_000)) > 1000


def test_decoding_gives_the_normalised_text(tokenizer):
    text = "The value (of 12) is small - or not."
    assert tokenizer.decode(tokenizer.encode(text)) == text.lower()
    pair = tokenizer.pair("one thing", "another")
    assert tokenizer.decode(pair.ids) == "one thing another"


def test_decoding_an_id_outside_the_vocabulary_is_refused(tokenizer):
    with pytest.raises(VocabularyError, match="id 2000 is outside"):
        tokenizer.decode([2000])


def test_a_single_text_and_a_pair_are_laid_out_as_the_original_does(tokenizer):
    a, b = tokenizer.encode("the first"), tokenizer.encode("another one")
    cls, sep = tokenizer.cls_id, tokenizer.sep_id
    single = tokenizer.pair("the first")
    assert single.ids == [cls, *a, sep]
    assert single.segment_ids == [0] * len(single.ids)
    pair = tokenizer.pair("the first", "another one")
    assert pair.ids == [cls, *a, sep, *b, sep]
    assert pair.segment_ids == [0] * (len(a) + 2) + [1] * (len(b) + 1)
    assert single.cut == pair.cut == 0


def test_a_long_text_loses_its_end_and_says_how_much(tokenizer):
    ids = list(range(20, 40))
    encoding = tokenizer.join(ids, max_length=12)
    assert encoding.ids == [tokenizer.cls_id, *ids[:10], tokenizer.sep_id]
    assert encoding.cut == 10


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40))
def test_the_longer_text_gives_way_token_by_token(length_a, length_b, room):
    a, b = length_a, length_b
    while a + b > room:
        if a > b:
            a -= 1
        else:
            b -= 1
    assert shared_room(length_a, length_b, room) == (a, b)


def test_no_room_for_special_tokens_is_refused(tokenizer):
    with pytest.raises(ConfigError, match="max_length 2"):
        tokenizer.pair("a", "b", max_length=2)


def test_a_saved_tokenizer_loads_equal(faithful_tokenizer, tmp_path):
    faithful_tokenizer.save(tmp_path)
    for path in (tmp_path, str(tmp_path), tmp_path / "spiece.model"):
        loaded = Tokenizer.load(path)
        assert loaded == faithful_tokenizer
        assert loaded.normalisation == Normalisation(lower_case=False, keep_accents=True)


def test_a_model_file_alone_has_the_original_normalisation(faithful_tokenizer, tmp_path):
    (tmp_path / "any.model").write_bytes(faithful_tokenizer.model)
    assert Tokenizer.load(tmp_path / "any.model").normalisation == Normalisation()


def test_the_fingerprint_depends_on_model_and_normalisation(tokenizer):
    other = SentencePieceTokenizer(tokenizer.model, Normalisation(lower_case=False))
    assert other.fingerprint != tokenizer.fingerprint
    assert SentencePieceTokenizer(tokenizer.model).fingerprint == tokenizer.fingerprint


def test_threads_and_pickles_give_the_same_ids(tokenizer):
    texts = [f"line {n}, with 1999, résumés" for n in range(200)]
    expected = tokenizer.encode_batch(texts)
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy == tokenizer
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(copy.encode, texts)) == expected


def test_a_missing_vocabulary_is_named(tmp_path):
    with pytest.raises(VocabularyError, match=r"nowhere does not exist"):
        Tokenizer.load(tmp_path / "nowhere")
    with pytest.raises(VocabularyError, match=r"holds no spiece\.model"):
        Tokenizer.load(tmp_path)


def test_another_kind_than_the_one_asked_for_is_refused(tokenizer, wordpiece, tmp_path):
    wordpiece.save(tmp_path)
    assert Tokenizer.load(tmp_path).kind == "WordPiece"
    with pytest.raises(VocabularyError, match="is a WordPiece vocabulary where SentencePiece is"):
        SentencePieceTokenizer.load(tmp_path)
    assert tokenizer != wordpiece


@pytest.mark.parametrize("content", ["[1]", "{", json.dumps({"do_lower_case": "no"})])
def test_a_damaged_tokenizer_config_is_refused(tokenizer, tmp_path, content):
    tokenizer.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(content)
    with pytest.raises(VocabularyError, match=r"tokenizer_config\.json"):
        Tokenizer.load(tmp_path)
