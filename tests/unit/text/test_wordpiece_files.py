"""vocab.txt and BERT's tokenizer.json: read, written, and refused with file and line."""

import json

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.tokenizer import Tokenizer, WordPieceSettings, WordPieceTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SETTINGS = [
    WordPieceSettings(),
    WordPieceSettings(lower_case=False),
    WordPieceSettings(strip_accents=False, longest_word=100),
    WordPieceSettings(chinese_characters=False, strip_accents=True),
]


def change(path, **values):
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, **values}), "utf-8")


def change_part(path, part, **values):
    content = json.loads(path.read_text("utf-8"))
    change(path, **{part: {**content[part], **values}})


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_saved_tokenizer_loads_equal(wordpiece, tmp_path, settings):
    tokenizer = WordPieceTokenizer(wordpiece.pieces, settings)
    tokenizer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("vocab.txt", "tokenizer.json", "tokenizer_config.json")
    }
    for name in ("", "vocab.txt", "tokenizer.json"):
        loaded = Tokenizer.load(tmp_path / name)
        assert loaded == tokenizer
        assert loaded.settings == settings
    (tmp_path / "vocab.txt").unlink()  # what transformers 5 writes
    assert Tokenizer.load(tmp_path) == tokenizer
    (tmp_path / "tokenizer_config.json").unlink()
    assert Tokenizer.load(tmp_path) == tokenizer


def test_a_list_alone_has_the_original_settings(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes("\ufeff".encode() + "\r\n".join([*SPECIAL, "der", "##n"]).encode())
    tokenizer = Tokenizer.load(path)
    assert tokenizer.pieces == [*SPECIAL, "der", "##n"]
    assert tokenizer.settings == WordPieceSettings()
    assert tokenizer.encode("Dern") == [5, 6]


def test_the_config_counts_before_the_fast_file(wordpiece, tmp_path):
    wordpiece.save(tmp_path)
    change(tmp_path / "tokenizer_config.json", do_lower_case=False)
    assert Tokenizer.load(tmp_path).settings.lower_case is False


def test_a_fast_file_without_a_limit_has_the_one_of_transformers(wordpiece, tmp_path):
    wordpiece.save(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    del content["model"]["max_input_chars_per_word"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    assert Tokenizer.load(tmp_path).settings.longest_word == 100


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([*SPECIAL, "a", "", "b"], r"vocab\.txt, line 7 is empty"),
        ([*SPECIAL, "a", "a"], r'line 7: the piece "a" is there already \(.*vocab\.txt, line 6\)'),
        ([*SPECIAL, "a b"], r"line 6: 'a b' is no piece"),
        ([*SPECIAL, "a\t-1.5"], r"line 6: .* is no piece"),
        ([*SPECIAL, "a "], r"line 6: 'a ' is no piece"),
        (["[PAD]", "[UNK]", "[CLS]", "a"], r"vocab\.txt lacks the pieces \[SEP\], \[MASK\]"),
        (["<pad>", "a"], r"lacks the pieces \[PAD\], \[UNK\]"),
        ([], "lacks the pieces"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path, lines, message):
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for place in (tmp_path, path):
        with pytest.raises(VocabularyError, match=message):
            Tokenizer.load(place)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "gb18030"])
def test_another_encoding_is_refused_with_its_line(tmp_path, encoding):
    letter = "ü" if encoding == "latin-1" else "敏"
    (tmp_path / "vocab.txt").write_bytes("\n".join([*SPECIAL, letter]).encode(encoding))
    with pytest.raises(VocabularyError, match=r"vocab\.txt is not UTF-8: line [16], byte .*iconv"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("model", {"vocab": [["a", 1.0]]}, "not an object of pieces with their ids"),
        ("model", {"vocab": {"a": "b"}}, "not an object of pieces with their ids"),
        ("model", {"vocab": {"[PAD]": 0, "a": 2}}, '"a" has the id 2 where 1 is expected'),
        ("model", {"vocab": {"[PAD]": 0, "a": 0}}, "has the id 0 where 1 is expected"),
        ("model", {"vocab": {"[PAD]": 0, "": 1}}, r"tokenizer\.json, id 1 is empty"),
        ("model", {"vocab": {"[PAD]": 0, "\ud800": 1}}, "id 1 is damaged: the piece is no text"),
        ("model", {"vocab": {"[PAD]": 0}}, r"tokenizer\.json lacks the pieces \[UNK\]"),
        ("model", {"continuing_subword_prefix": "@@"}, "is not BERT's tokenizer"),
        ("model", {"unk_token": "<unk>"}, "is not BERT's tokenizer"),
        ("normalizer", {"type": "NFC"}, "is not BERT's tokenizer"),
        ("normalizer", {"clean_text": False}, "is not BERT's tokenizer"),
        ("pre_tokenizer", {"type": "Whitespace"}, "is not BERT's tokenizer"),
        ("normalizer", {"lowercase": "yes"}, "lowercase, strip_accents"),
        ("model", {"max_input_chars_per_word": 10**9}, "a number from 1 to 1,000"),
        ("model", {"type": "BPE"}, "holds a BPE model: litebert reads WordPiece"),
        ("model", {"type": None}, "holds no model that it names"),
    ],
)
def test_a_wrong_fast_file_is_refused(wordpiece, tmp_path, part, values, message):
    wordpiece.save(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    change_part(tmp_path / "tokenizer.json", part, **values)
    with pytest.raises(VocabularyError, match=message):
        Tokenizer.load(tmp_path)


def test_files_of_two_models_are_refused(wordpiece, tokenizer, tmp_path):
    wordpiece.save(tmp_path)
    pieces = [*wordpiece.pieces[:-1], "anotherone"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces), "utf-8")
    with pytest.raises(
        VocabularyError, match=f"different vocabularies .first at id {len(pieces) - 1}"
    ):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text(tokenizer.fast_file(), "utf-8")
    with pytest.raises(VocabularyError, match="holds both"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"do_lower_case": "no"}, "do_lower_case, strip_accents and tokenize_chinese_chars"),
        ({"do_lower_case": None}, "must be true or false"),
        ({"do_basic_tokenize": False}, "do_basic_tokenize asks for another tokenizer"),
        ({"word_tokenizer_type": "mecab"}, "word_tokenizer_type asks for another tokenizer"),
        ({"added_tokens_decoder": {"9999": {"content": "[E1]", "special": True}}}, r'"\[E1\]"'),
        ({"added_tokens_decoder": {"5": {}}}, "an added token has no content"),
    ],
)
def test_a_config_that_asks_for_something_else_is_refused(wordpiece, tmp_path, values, message):
    wordpiece.save(tmp_path)
    change(tmp_path / "tokenizer_config.json", **values)
    with pytest.raises(VocabularyError, match=message):
        Tokenizer.load(tmp_path)


def test_special_pieces_named_again_are_no_additions(wordpiece, tmp_path):
    wordpiece.save(tmp_path)
    listed = {
        "0": {"content": "[PAD]", "special": True},
        "5": {"content": "[unused0]", "special": True},
    }
    change(tmp_path / "tokenizer_config.json", added_tokens_decoder=listed)
    (tmp_path / "added_tokens.json").write_text('{"[MASK]": 4}', "utf-8")
    assert Tokenizer.load(tmp_path) == wordpiece


def test_pieces_that_cannot_be_are_refused_in_python_too(wordpiece):
    with pytest.raises(VocabularyError, match="the vocabulary, id 5 is empty"):
        WordPieceTokenizer([*SPECIAL, ""])
    with pytest.raises(VocabularyError, match=r"the vocabulary lacks the pieces \[MASK\]"):
        WordPieceTokenizer(SPECIAL[:4])
