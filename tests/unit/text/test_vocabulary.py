"""Vocabulary training: the folder it writes, its memory and its repeatability."""

import json

import pytest

from litebert.foundation.errors import StorageError, VocabularyError
from litebert.foundation.progress import Progress
from litebert.text.normalise import Normalisation
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import VocabularySettings, train_vocabulary

SMALL = VocabularySettings(vocab_size=300, character_coverage=1.0)
FILES = ["spiece.model", "spiece.vocab", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture
def texts(english):
    return [text for text in english if len(text) < 1000][:300]


def test_the_folder_holds_the_vocabulary_and_how_it_was_made(texts, tmp_path):
    report = train_vocabulary(texts, tmp_path / "vocabulary", SMALL)
    names = sorted(path.name for path in report.folder.iterdir())
    assert names == [*FILES, "vocabulary.json"]
    tokenizer = Tokenizer.load(report.folder)
    summary = json.loads((report.folder / "vocabulary.json").read_text("utf-8"))
    assert summary["settings"] == SMALL.model_dump()
    assert summary["normalisation"] == {"lower_case": True, "keep_accents": False}
    assert summary["fingerprint"] == report.fingerprint == tokenizer.fingerprint
    assert report.vocab_size == tokenizer.vocab_size == 300
    assert (report.texts, report.sentences, report.sampled) == (300, 300, 300)
    assert report.characters == sum(map(len, texts))
    assert 1 < report.characters_per_token < 8
    assert report.unknown_share == 0
    listed = (report.folder / "spiece.vocab").read_text("utf-8").splitlines()
    assert [line.split("\t")[0] for line in listed] == tokenizer.pieces


def test_the_same_text_and_settings_give_the_same_bytes(texts, tmp_path):
    settings = SMALL.changed(sentences=200)
    first, second = (train_vocabulary(texts, tmp_path / name, settings) for name in "ab")
    for name in [*FILES, "vocabulary.json"]:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert (first.sentences, first.sampled) == (300, 200)
    other = train_vocabulary(texts, tmp_path / "c", settings.changed(seed=1))
    assert other.fingerprint != first.fingerprint


def test_text_is_normalised_before_training(texts, tmp_path):
    report = train_vocabulary([text.upper() for text in texts], tmp_path / "lower", SMALL)
    assert "▁the" in Tokenizer.load(report.folder).pieces
    keep = Normalisation(lower_case=False, keep_accents=True)
    report = train_vocabulary(
        ["Été À Ñandú"] * 50, tmp_path / "kept", SMALL.changed(fit=True), keep
    )
    assert {"É", "t", "À"} <= set("".join(Tokenizer.load(report.folder).pieces))


def test_a_line_longer_than_sentencepiece_takes_is_cut_not_dropped(tmp_path):
    text = " ".join(f"word{number}" for number in range(3000))
    report = train_vocabulary([text, "猫" * 5000], tmp_path / "long", SMALL.changed(fit=True))
    assert report.sentences > 20
    assert Tokenizer.load(report.folder).unk_id not in Tokenizer.load(report.folder).encode(
        "word1 猫"
    )


def test_the_caller_may_count_the_reading(texts, tmp_path):
    progress = Progress("Reading", 300, "texts")

    def counted():
        for text in texts:
            progress.advance()
            yield text

    train_vocabulary(counted(), tmp_path / "counted", SMALL, progress=progress)
    assert progress.done == 300


@pytest.mark.parametrize("texts", [[], ["", " \n "]])
def test_no_text_is_refused(texts, tmp_path):
    with pytest.raises(VocabularyError, match="no text to train"):
        train_vocabulary(texts, tmp_path / "none", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_size_leaves_nothing_behind(texts, tmp_path):
    with pytest.raises(VocabularyError, match="more than this text allows"):
        train_vocabulary(texts, tmp_path / "big", SMALL.changed(vocab_size=500_000))
    assert list(tmp_path.iterdir()) == []


def test_a_taken_folder_is_refused_before_the_text_is_read(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        train_vocabulary(iter(()), tmp_path, SMALL)


def test_a_place_that_refuses_costs_no_reading(tmp_path):
    (tmp_path / "file").write_text("mine")
    unread = iter(["a text"])
    with pytest.raises(StorageError, match="cannot write"):
        train_vocabulary(unread, tmp_path / "file" / "vocabulary", SMALL)
    assert list(unread) == ["a text"]


def test_an_error_while_reading_stays_what_it_is(tmp_path):
    def broken():
        yield "a text"
        raise RuntimeError("the source failed")

    with pytest.raises(RuntimeError, match="the source failed"):
        train_vocabulary(broken(), tmp_path / "broken", SMALL)
