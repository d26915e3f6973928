"""tokenizer.json alone gives ALBERT's SentencePiece model back, whoever wrote it."""

import json

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.model_proto import Piece, PieceType, normaliser_table, write_model
from litebert.text.pieces import SPECIAL, is_digit_comma
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer
from litebert.text.unigram import sentencepiece_model, stated_normalisation

NUMBERS = ["in 1, 2, 3 or 1999, and 2001, x12, (31, or x1, y", "Été, “a-b” (c) £ 3.5 – ガ 각"]


def fast(tokenizer):
    return json.loads(tokenizer.fast_file())


def as_transformers_4(tokenizer):
    """What its AlbertConverter makes: lowered digit-comma pieces, special added tokens alone."""
    return fast(tokenizer)


def as_transformers_5(tokenizer):
    """What its AlbertTokenizer writes: the scores as they are, symbols among the added tokens."""
    content = fast(tokenizer)
    scores = zip(tokenizer.pieces, tokenizer.scores(), strict=True)
    content["model"]["vocab"] = [[piece, score] for piece, score in scores]
    content["added_tokens"] += [
        {**content["added_tokens"][0], "id": index, "content": piece, "special": False}
        for index, piece in enumerate(tokenizer.pieces[5:13], start=5)
    ]
    steps = [{"type": "WhitespaceSplit"}, content["pre_tokenizer"]]
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    return content


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("tokenizer", as_transformers_4),
        ("faithful_tokenizer", as_transformers_4),
        ("comma_tokenizer", as_transformers_4),
        ("comma_tokenizer", as_transformers_5),  # it forgets which pieces are retired
    ],
)
def test_the_model_gives_the_same_ids_again(name, written, english, request, tmp_path):
    tokenizer = request.getfixturevalue(name)
    (tmp_path / "tokenizer.json").write_text(json.dumps(written(tokenizer)), "utf-8")
    again = Tokenizer.load(tmp_path)
    assert isinstance(again, SentencePieceTokenizer)
    assert again.normalisation == tokenizer.normalisation
    assert again.pieces == tokenizer.pieces
    assert again.scores() == pytest.approx(tokenizer.scores(), abs=2e-5)
    texts = [*english, *NUMBERS]
    assert again.encode_batch(texts) == tokenizer.encode_batch(texts)
    assert again.ordinary_ids.tolist() == tokenizer.ordinary_ids.tolist()


def test_retired_and_avoided_pieces_are_told_apart(tokenizer, comma_tokenizer):
    def kinds(of):
        model = sentencepiece_model(fast(of), "here")
        again = SentencePieceTokenizer(model, of.normalisation)
        commas = [i for i, piece in enumerate(again.pieces) if is_digit_comma(piece)]
        return commas, set(again.ordinary_ids)

    commas, ordinary = kinds(tokenizer)  # trained by litebert, which retires them
    assert commas
    assert ordinary.isdisjoint(commas)
    commas, ordinary = kinds(comma_tokenizer)
    assert commas
    assert ordinary.issuperset(commas)


def test_the_config_counts_before_the_steps(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    (tmp_path / "spiece.model").unlink()
    config = {"do_lower_case": False, "keep_accents": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    read = Tokenizer.load(tmp_path)
    assert (read.normalisation.lower_case, read.normalisation.keep_accents) == (False, True)


def test_steps_say_how_text_is_normalised():
    steps = [{"type": "NFKD"}, {"type": "StripAccents"}]
    content = {"normalizer": {"type": "Sequence", "normalizers": steps}}
    assert stated_normalisation(content) == {"lower_case": False, "keep_accents": False}
    assert stated_normalisation({"normalizer": {"type": "Lowercase"}})["lower_case"]
    assert stated_normalisation({}) == {"lower_case": False, "keep_accents": True}


@pytest.mark.parametrize("step", [{"prepend_scheme": "never"}, {"add_prefix_space": False}])
def test_a_text_without_a_space_before_it_is_followed(tokenizer, step):
    content = fast(tokenizer)
    content["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", **step}
    again = SentencePieceTokenizer(sentencepiece_model(content, "here"))
    with_space = tokenizer.encode("the")
    assert again.encode("the") != with_space
    assert again.encode("x the")[-len(with_space) :] == with_space


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("vocab", {"a": 1}, "not a list of pieces with their scores"),
        ("vocab", [["a", "b"]], "not a list of pieces with their scores"),
        ("vocab", [["a", float("nan")]], "not a list of pieces with their scores"),
        ("vocab", [["a", 1e200]], "not a list of pieces with their scores"),
        ("vocab", [["<s>", 0.0], ["a", -1.0]], "is not ALBERT's tokenizer"),
        ("byte_fallback", True, "falls back to bytes"),
    ],
)
def test_a_foreign_or_damaged_model_is_refused(tokenizer, part, value, message):
    content = fast(tokenizer)
    content["model"][part] = value
    with pytest.raises(VocabularyError, match=message):
        sentencepiece_model(content, "tokenizer.json")


def test_damaged_pieces_tables_and_spaces_are_refused(tokenizer):
    content = fast(tokenizer)
    content["model"]["vocab"].append(["\ud800", -3.0])
    with pytest.raises(VocabularyError, match="a piece is no text"):
        sentencepiece_model(content, "here")
    for table in ("?", 5, "abc"):
        content = fast(tokenizer)
        content["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": table}
        with pytest.raises(VocabularyError, match="table is not base64"):
            sentencepiece_model(content, "here")
    with pytest.raises(VocabularyError, match="does not write spaces"):
        sentencepiece_model({**fast(tokenizer), "pre_tokenizer": {"type": "ByteLevel"}}, "here")


def test_a_written_model_is_what_sentencepiece_reads(tokenizer):
    special = [Piece(piece, 0.0, PieceType.CONTROL) for piece in SPECIAL.values()]
    special[1] = Piece("<unk>", 0.0, PieceType.UNKNOWN)
    words = [Piece("▁ab", -1.5, PieceType.NORMAL), Piece("c", -2.0, PieceType.NORMAL)]
    words += [Piece("!", 0.0, PieceType.USER_DEFINED), Piece("▁abc", -0.1, PieceType.UNUSED)]
    table = normaliser_table(tokenizer.model)
    model = write_model([*special, *words], table)
    assert normaliser_table(model) == table
    small = SentencePieceTokenizer(model)
    assert [small.pieces[index] for index in small.encode("ABC!")] == ["▁ab", "c", "!"]
    assert small.scores()[5:7] == [-1.5, -2.0]
    with pytest.raises(OverflowError):
        write_model([Piece("a", 1e300, PieceType.NORMAL)], b"")
