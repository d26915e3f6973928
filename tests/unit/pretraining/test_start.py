"""Runs that begin with the weights of another model."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from fakes import tiny_config
from litebert.corpus.build import build_corpus
from litebert.corpus.shards import Corpus
from litebert.encoder.models import MaskedLMModel, PretrainingModel
from litebert.foundation.errors import (
    ConfigError,
    LitebertError,
    ModelFolderError,
    ResumeError,
    VocabularyError,
)
from litebert.foundation.files import sha256_file
from litebert.pretraining.assembly import resolve_config
from litebert.pretraining.run import PretrainingOutcome, pretrain
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.start import start_weights
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import VocabularySettings, train_vocabulary
from litebert.training.checkpoint import checkpoint_path, load_checkpoint
from litebert.weights.folder import load_model, load_pretraining_model, save_model
from litebert.weights.grown import GrowthSettings, grow_folder
from small_models import save_small_model, sentences, small_tokenizer


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [line for line, _ in sentences(240, seed=11)]
    documents = ["\n".join(lines[start : start + 8]) for start in range(0, len(lines), 8)]
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(documents))
    return path


@pytest.fixture(scope="module")
def corpus(text: Path) -> Path:
    build_corpus([text], small_tokenizer(), text.parent / "corpus", workers=1)
    return text.parent / "corpus"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "small")


def settings(start: Path, **model: Any) -> PretrainingSettings:
    return PretrainingSettings.parse(
        {
            "model": {"start_from": str(start), **model},
            "data": {"max_length": 24},
            "budget": {"steps": 4},
            "schedule": {"learning_rate": 1e-3},
            "training": {"batch_size": 4, "save_every": 2, "keep": 10, "evaluate_every": 4},
            "evaluation": {"heldout": 0.1, "evaluation_instances": 8},
            "machine": {"device": "cpu", "threads": 1, "precision": "fp32"},
        }
    )


def begun_with(outcome: PretrainingOutcome) -> PretrainingModel:
    """The model of a run's first checkpoint."""
    model = PretrainingModel(load_pretraining_model(outcome.folder).config)
    load_checkpoint(checkpoint_path(outcome.folder / "checkpoints", 0), model)
    return model


def test_without_sizes_a_run_goes_on_with_the_model_as_it_is(
    corpus: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = pretrain(corpus, tmp_path / "run", settings(small))
    before, begun = load_pretraining_model(small), begun_with(outcome)
    assert begun.config == before.config
    for name, tensor in before.state_dict().items():
        assert torch.equal(begun.state_dict()[name], tensor)
    after = load_pretraining_model(tmp_path / "run").state_dict()
    assert any(not torch.equal(after[name], t) for name, t in before.state_dict().items())
    assert f"starting from {small}; nothing begins at random" in capsys.readouterr().err
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["resolved"]["start"] == {
        "folder": str(small),
        "sha256": sha256_file(small / "model.safetensors"),
        "changes": [],
    }
    assert record["settings"]["model"] == {"start_from": str(small), "word_vectors": "random"}
    assert str(small) in (tmp_path / "run" / "report.html").read_text()


def test_sizes_that_are_given_are_what_the_model_grows_to_and_resuming_needs_no_folder(
    corpus: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"num_hidden_layers": 3, "sharing": "none", "max_position_embeddings": 40}
    start = shutil.copytree(small, tmp_path / "start")
    asked = settings(start, **sizes, hidden_dropout_prob=0.1)
    outcome = pretrain(corpus, tmp_path / "whole", asked)
    said = capsys.readouterr().err
    assert "attention: copied: depths 0 to 2 from group 0" in said
    assert "position embeddings: copied: positions 32 to 39 repeat" in said
    assert "num_hidden_layers: 1 → 3" in outcome.record.resolved["start"]["changes"]
    grow_folder(start, tmp_path / "grown", GrowthSettings.parse(sizes))
    expected = load_model(tmp_path / "grown").state_dict()
    for name, tensor in begun_with(outcome).state_dict().items():
        assert torch.equal(expected[name], tensor)
    shutil.rmtree(start)
    parts = shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    for step in (2, 4):
        shutil.rmtree(checkpoint_path(parts / "checkpoints", step))
    pretrain(corpus, parts, asked, resume=True)
    weights = Path("model") / "model.safetensors"
    assert sha256_file(parts / weights) == sha256_file(tmp_path / "whole" / weights)
    shutil.rmtree(parts / "checkpoints")
    with pytest.raises(ResumeError, match="before it had saved the weights it starts from"):
        pretrain(corpus, parts, asked, resume=True)


def test_a_padded_vocabulary_stays_padded(corpus: Path, small: Path, tmp_path: Path) -> None:
    grow_folder(small, tmp_path / "padded", GrowthSettings(vocab_size=64))
    opened = Corpus.open(corpus)
    assert resolve_config(opened, settings(tmp_path / "padded")).vocab_size == 64
    model = PretrainingModel(resolve_config(opened, settings(small, vocab_size=72)))
    start_weights(str(small), model)
    word = model.encoder.embeddings.word.weight
    assert word.shape[0] == 72
    assert torch.equal(word[:60], load_pretraining_model(small).encoder.embeddings.word.weight)


def test_a_preset_is_what_the_model_grows_to(small: Path) -> None:
    old = load_pretraining_model(small).config
    asked = settings(small, preset="albert-base-v2").model.resolve(60, old)
    assert (asked.hidden_size, asked.vocab_size) == (768, 60)


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ({"hidden_size": 64}, ConfigError, "hidden_size: 64 is asked for, the model has 32"),
        ({"hidden_act": "relu"}, ConfigError, "its weights were trained with that"),
        ({"preset": "albert-base-v2"}, ConfigError, "embedding_size: 128 is asked for"),
        ({"max_position_embeddings": 16}, ConfigError, "max_length: 24 exceeds the 16 positions"),
        ({"vocab_size": 50}, ConfigError, "50 rows are asked for, the vocabulary has 60 pieces"),
    ],
)
def test_what_the_weights_cannot_become_is_one_clear_error(
    model: dict[str, Any],
    error: type[LitebertError],
    words: str,
    corpus: Path,
    small: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=words):
        pretrain(corpus, tmp_path / "run", settings(small, **model))
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_model_without_both_heads_is_refused(corpus: Path, tmp_path: Path) -> None:
    config = tiny_config(vocab_size=small_tokenizer().vocab_size)
    save_model(tmp_path / "masked", MaskedLMModel(config), small_tokenizer())
    with pytest.raises(ModelFolderError, match="has no masked-LM and sentence-order heads"):
        pretrain(corpus, tmp_path / "run", settings(tmp_path / "masked"))


def test_a_corpus_of_another_vocabulary_is_refused_with_both_ways_out(
    text: Path, small: Path, tmp_path: Path
) -> None:
    texts = [f"{line} zebras quickly" for line, _ in sentences(200, seed=3)]
    options = VocabularySettings(vocab_size=300, fit=True)
    train_vocabulary(texts, tmp_path / "vocabulary", options)
    other = tmp_path / "other corpus"
    build_corpus([text], Tokenizer.load(tmp_path / "vocabulary"), other, workers=1)
    with pytest.raises(VocabularyError, match=r"litebert grow .*small OUT --vocabulary .*other c"):
        pretrain(other, tmp_path / "run", settings(small))
    grow_folder(small, tmp_path / "fitting", GrowthSettings(), other / "tokenizer")
    config = resolve_config(Corpus.open(other), settings(tmp_path / "fitting"))
    assert config.vocab_size == Tokenizer.load(other / "tokenizer").vocab_size
