"""Subword sampling: the original's distribution, drawn with our own numbers."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.errors import ConfigError
from litebert.foundation.randomness import generator
from litebert.foundation.settings import Settings
from litebert.text.subwords import SubwordSettings, draw
from litebert.text.tokenizer import SentencePieceTokenizer

ORIGINAL = SubwordSettings(sampled_epochs=1)
TEXT = "the garden over the river"


def test_the_originals_figures_are_the_defaults() -> None:
    assert (ORIGINAL.nbest, ORIGINAL.alpha) == (64, 0.1)
    with pytest.raises(ConfigError, match="nbest"):
        SubwordSettings.parse({"nbest": 1})
    assert issubclass(SubwordSettings, Settings)


def test_ways_are_drawn_as_often_as_sentencepiece_draws_them(
    tokenizer: SentencePieceTokenizer,
) -> None:
    draws = 20_000
    uniforms = generator(0, "draws").random((draws, 1))
    ours = Counter(tuple(row[0]) for row in tokenizer.sample_batch([TEXT], uniforms, ORIGINAL))
    processor = tokenizer._processor
    theirs = Counter(tuple(processor.SampleEncodeAsIds(TEXT, 64, 0.1)) for _ in range(draws))
    assert (
        set(ours) == set(theirs) == {tuple(w) for w in processor.NBestEncode(TEXT, nbest_size=64)}
    )
    deviations = [
        (ours[way] - theirs[way]) / np.sqrt(ours[way] + theirs[way]) for way in ours | theirs
    ]
    assert np.mean(np.square(deviations)) == pytest.approx(1, abs=0.6)  # as two equal samples


def test_every_way_spells_the_same_text(tokenizer: SentencePieceTokenizer) -> None:
    texts = ["One, two and 3, more.", "naïve café", "x"]
    uniforms = generator(1, "draws").random((30, 3))
    rows = tokenizer.sample_batch(texts, uniforms, ORIGINAL)
    for index, text in enumerate(texts):
        best = tokenizer.decode(tokenizer.encode(text))
        assert {tokenizer.decode(row[index]).replace(" ,", ",") for row in rows} <= {
            best.replace(" ,", ",")
        }
    assert len({tuple(row[0]) for row in rows}) > 10


def test_equal_numbers_give_equal_ids_whatever_was_drawn_before(
    tokenizer: SentencePieceTokenizer,
) -> None:
    uniforms = generator(2, "draws").random((2, 3))
    texts = [TEXT, "a bright morning", "under the window"]
    first = tokenizer.sample_batch(texts, uniforms, ORIGINAL)
    tokenizer._processor.SampleEncodeAsIds(TEXT, 64, 0.1)
    assert tokenizer.sample_batch(texts, uniforms, ORIGINAL) == first
    assert tokenizer.sample_batch(texts[1:], uniforms[:, 1:], ORIGINAL) == [r[1:] for r in first]


def test_a_large_alpha_takes_the_likeliest_way(tokenizer: SentencePieceTokenizer) -> None:
    certain = SubwordSettings(sampled_epochs=1, alpha=100.0)
    rows = tokenizer.sample_batch([TEXT], generator(3, "draws").random((50, 1)), certain)
    assert rows == [[tokenizer.encode(TEXT)]] * 50


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 2))
def test_each_way_has_its_share_of_the_numbers(uniform: float, alpha: float) -> None:
    scores = np.array([-1.0, -2.0, -3.0])
    ways = [[0], [1], [2], [0, 1]]
    weights = np.exp(alpha * np.array([-1.0, -2.0, -3.0, -3.0]))
    bounds = np.cumsum(weights) / weights.sum()
    (chosen,) = draw(ways, scores, alpha, np.array([uniform]))
    expected = ways[min(int(np.searchsorted(bounds, uniform, side="right")), 3)]
    near = np.abs(bounds - uniform).min() < 1e-12
    assert chosen == expected or near


def test_a_long_text_is_cut_without_remarks(tokenizer: SentencePieceTokenizer, capfd) -> None:
    (row,) = tokenizer.sample_batch([TEXT * 100], np.array([[0.5]]), ORIGINAL)
    assert tokenizer.decode(row[0]) == TEXT * 100
    assert capfd.readouterr().err == ""


def test_a_text_without_tokens_has_one_way() -> None:
    assert draw([[]], np.zeros(3), 0.1, np.array([0.5, 0.9])) == [[], []]
