"""SentencePiece's trainer: what it refuses is explained, what it makes can be repeated."""

import re

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.pieces import load_processor
from litebert.text.trainer import USER_SYMBOLS, train_model


def size_of(model):
    return load_processor(model).GetPieceSize()


def test_special_and_user_pieces_come_first_and_nothing_is_printed(english, capfd):
    processor = load_processor(train_model(english[:300], 400, False, 0.9995))
    pieces = processor.IdToPiece(list(range(13)))
    assert pieces == ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", *USER_SYMBOLS]
    assert capfd.readouterr().err.startswith("Training 400 pieces: 300 sentences in")


def test_the_same_lines_give_the_same_bytes(english):
    models = [train_model(english[:300], 400, False, 0.9995) for _ in range(2)]
    assert models[0] == models[1]


def test_too_large_a_vocabulary_names_the_largest(english):
    with pytest.raises(VocabularyError, match="vocab_size 90,000 is more than") as caught:
        train_model(english[:50], 90_000, False, 0.9995)
    largest = int(re.search(r"ask for ([\d,]+) or fewer", str(caught.value))[1].replace(",", ""))
    assert (
        load_processor(train_model(english[:50], largest, False, 0.9995)).GetPieceSize() == largest
    )


def test_fit_takes_the_largest(english):
    assert (
        100
        < load_processor(train_model(english[:50], 90_000, True, 0.9995)).GetPieceSize()
        < 90_000
    )


def test_too_small_a_vocabulary_names_the_smallest(english):
    with pytest.raises(VocabularyError, match=r"too small .* ask for \d+ or more"):
        train_model(english[:50], 32, False, 1.0)


def test_no_lines_are_refused():
    with pytest.raises(VocabularyError, match="no sentence of this text"):
        train_model([], 100, False, 1.0)
