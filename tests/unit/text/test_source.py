"""Which file of a folder counts, and what contradicts it."""

import json

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.source import find_vocabulary
from litebert.text.tokenizer import Tokenizer


def test_the_file_that_lists_the_pieces_is_found(tokenizer, wordpiece, tmp_path):
    for name, saved in (("a", tokenizer), ("b", wordpiece)):
        saved.save(tmp_path / name)
    found = find_vocabulary(tmp_path / "a")
    assert (found.kind, found.file.name, found.fast) == ("SentencePiece", "spiece.model", None)
    found = find_vocabulary(tmp_path / "b")
    assert (found.kind, found.file.name) == ("WordPiece", "vocab.txt")
    (tmp_path / "a" / "spiece.model").unlink()
    found = find_vocabulary(tmp_path / "a")
    assert (found.kind, found.file.name) == ("SentencePiece", "tokenizer.json")


def test_a_folder_with_two_vocabularies_is_refused(tokenizer, wordpiece, tmp_path):
    tokenizer.save(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(wordpiece.pieces), "utf-8")
    with pytest.raises(VocabularyError, match=r"holds both spiece\.model and vocab\.txt"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("name", ["vocab.txt", "tokenizer.json", "spiece.model"])
def test_a_file_of_hundreds_of_megabytes_is_not_read(tmp_path, name):
    with open(tmp_path / name, "wb") as file:
        file.truncate(300 << 20)  # takes no room on the disk
    with pytest.raises(VocabularyError, match="far too large"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        *("[1]", "{", "{}", '{"model": 1}', '{"model": {}}', '{"model": {"type": 3}}'),
        *("[" * 10**5, '{"a": ' + "1" * 5000 + "}"),
    ],
)
def test_what_is_no_fast_file_is_refused(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(VocabularyError, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "nowhere does not exist: name a vocabulary folder, spiece"),
        ("/dev/null", "is neither a file nor a folder"),
        ("", r"holds no spiece\.model, vocab\.txt or tokenizer\.json"),
    ],
)
def test_a_place_without_a_vocabulary_is_named(tmp_path, place, message):
    with pytest.raises(VocabularyError, match=message):
        Tokenizer.load(tmp_path / place)


def test_added_pieces_are_refused_and_named(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    path = tmp_path / "added_tokens.json"
    path.write_text(json.dumps({"[CLS]": 2}), "utf-8")
    assert Tokenizer.load(tmp_path) == tokenizer
    path.write_text(json.dumps({"[CLS]": 2, "[E1]": 2000}), "utf-8")
    with pytest.raises(VocabularyError, match=r'added_tokens\.json adds "\[E1\]"'):
        Tokenizer.load(tmp_path)
