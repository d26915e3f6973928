"""Word vectors are the singular vectors of what counting says, and say which words are alike."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from litebert.cli.main import main
from litebert.corpus.shards import Corpus
from litebert.foundation.errors import ConfigError
from litebert.foundation.randomness import generator
from litebert.pretraining import word_vectors
from litebert.pretraining.assembly import open_data
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.word_vectors import SCALE, counted_vectors, fill_word_vectors
from litebert.training.checkpoint import list_checkpoints
from litebert.training.run_folder import read_run
from small_runs import TINY


@pytest.fixture(scope="module")
def stream(small_corpus: Path):
    return open_data(Corpus.open(small_corpus), PretrainingSettings.parse({})).stream


def filled(stream, width: int = 16, seed: int = 1) -> torch.Tensor:
    table = torch.full((stream.corpus.vocab_size, width), 7.0)
    fill_word_vectors(table, stream, seed)
    return table


def test_counts_and_information_are_those_of_the_definition(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(word_vectors, "WINDOW", 2)
    block = np.array([0, 1, 2, 1, 0, 3], dtype=np.int32)
    wanted = torch.zeros(5, 5)
    for place, word in enumerate(block):
        for other in range(max(0, place - 2), min(len(block), place + 3)):
            wanted[word, block[other]] += float(other != place)
    counts = word_vectors._counts([block], 5)
    order = [0, 1, 2, 3, 4]  # 0 and 1 are there twice, and ties keep their order
    torch.testing.assert_close(counts, wanted[:, order])
    shares = wanted.sum(0) ** 0.75 / (wanted.sum(0) ** 0.75).sum()
    found = word_vectors._positive_information(counts)
    for word in range(5):
        for context in range(5):
            seen = wanted[word, context] / wanted[word].sum().clamp(min=1)
            expected = max(0.0, float((seen / shares[context].clamp(min=1e-12)).log()))
            assert float(found[word, context]) == pytest.approx(expected, abs=1e-5)


def test_words_that_are_used_alike_are_near():
    """Animals eat, colours are painted; the same word goes before both."""
    the, eat, paint, *others = range(13)
    animals, colours = others[:5], others[5:]
    draws = generator(0, "text")
    sentences = [
        [the, draws.choice(animals), eat, eat]
        if number % 2
        else [the, draws.choice(colours), paint]
        for number in range(4000)
    ]
    # A word of one's own between sentences, so far apart that none sees the next.
    gap = list(range(20, 20 + word_vectors.WINDOW))
    block = np.array([i for sentence in sentences for i in (*sentence, *gap)], dtype=np.int32)
    vectors, seen = counted_vectors([block], 30, 8, seed=1)
    assert seen.sum() == 13 + len(gap)
    near = torch.nn.functional.normalize(vectors)
    alike = min((near[each] @ near[each].T).min() for each in (animals, colours))
    assert alike > (near[animals] @ near[colours].T).max() + 0.2


def test_pieces_without_text_keep_what_they_have_and_the_rest_has_one_scale(stream):
    vectors = filled(stream)
    pad = 0  # never in a text
    assert (vectors[pad] == 7.0).all()
    seen = vectors[(vectors != 7.0).any(1)]
    assert len(seen) > 30
    assert float(seen.std()) == pytest.approx(SCALE, rel=0.5)
    assert torch.equal(vectors, filled(stream))
    wide = filled(stream, width=stream.corpus.vocab_size + 9)
    assert (wide[:, -9:] == 7.0).all()


def test_a_run_begins_with_them_as_its_first_checkpoint(small_corpus: Path, tmp_path: Path):
    run = tmp_path / "run"
    command = ["pretrain", str(small_corpus), "--output", str(run), *TINY, "--steps", "2"]
    assert main([*command, "--word-vectors", "cooccurrence", "--keep", "9"]) == 0
    start = read_run(run, "pretrain").resolved["start"]
    assert start["word_vectors"] == "cooccurrence"
    begun = load_file(list_checkpoints(run / "checkpoints")[0] / "model.safetensors")
    table = next(value for name, value in begun.items() if name.endswith("word.weight"))
    settings = PretrainingSettings.parse({"data": {"max_length": 32}})
    stream = open_data(Corpus.open(small_corpus), settings).stream
    wanted = filled(stream, width=table.shape[1])
    with_text = (wanted != 7.0).all(1)
    torch.testing.assert_close(table[with_text], wanted[with_text])


def test_a_model_that_is_started_from_has_its_own():
    with pytest.raises(ConfigError, match=r"model\.word_vectors: a model that is started from"):
        PretrainingSettings.parse({"model": {"start_from": "x", "word_vectors": "cooccurrence"}})
