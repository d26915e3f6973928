import json
from pathlib import Path
from typing import Any

import pytest
import torch

from fakes import tiny_config
from litebert.encoder.models import ClassificationModel, MaskedLMModel, PretrainingModel
from litebert.foundation.errors import (
    ConfigError,
    ModelFolderError,
    StorageError,
    VocabularyError,
)
from litebert.foundation.files import sha256_file
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import VocabularySettings, train_vocabulary
from litebert.weights.folder import load_encoder, load_fine_tuned, load_model, save_model
from litebert.weights.grown import GrowthSettings, grow_folder
from small_models import save_small_model, sentences, small_tokenizer

DEEPER = GrowthSettings(num_hidden_layers=3)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def other_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [f"{text} zebras quickly" for text, _ in sentences(200, seed=3)]
    folder = tmp_path_factory.mktemp("vocabularies") / "other"
    train_vocabulary(texts, folder, VocabularySettings(vocab_size=500, fit=True))
    return folder


def report_of(folder: Path) -> Any:
    return json.loads((folder / "growth.json").read_text())


def test_a_folder_grows_into_another_that_says_where_it_comes_from(
    small: Path, tmp_path: Path
) -> None:
    out = tmp_path / "grown"
    grown = grow_folder(small, out, DEEPER)
    assert load_encoder(out).config.num_hidden_layers == 3
    assert Tokenizer.load(out) == small_tokenizer()
    report = report_of(out)
    assert report["folder"] == str(small)
    assert report["sha256"] == sha256_file(small / "model.safetensors")
    assert report["changes"] == ["num_hidden_layers: 1 → 3"]
    assert sum(part["parameters"] for part in report["parts"]) == sum(
        p.numel() for p in load_model(out).parameters()
    )
    assert grown.pieces == {}


def test_vocabulary_rows_and_depth_grow_at_once(
    small: Path, other_vocabulary: Path, tmp_path: Path
) -> None:
    out, new = tmp_path / "grown", Tokenizer.load(other_vocabulary)
    rows = -(-new.vocab_size // 64) * 64
    settings = DEEPER.changed(vocab_size=rows, sharing="none", max_position_embeddings=40)
    grown = grow_folder(small, out, settings, other_vocabulary)
    model = load_model(out)
    assert isinstance(model, PretrainingModel)
    assert model.config.vocab_size == rows
    assert Tokenizer.load(out) == new
    assert sum(grown.pieces.values()) == new.vocab_size
    assert grown.pieces["kept"] > 20
    numbers = sum(part.parameters for part in grown.parts if part.outcome != "dropped")
    assert numbers == sum(p.numel() for p in model.parameters())


def test_a_fine_tuned_model_keeps_its_head_and_its_task(tmp_path: Path) -> None:
    task = {"kind": "classification", "labels": ["low", "high"], "text_column": "text"}
    config = tiny_config(vocab_size=small_tokenizer().vocab_size)
    model = ClassificationModel(config, 2)
    save_model(tmp_path / "tuned", model, small_tokenizer(), task, "# A card of the old model")
    grow_folder(tmp_path / "tuned", tmp_path / "grown", GrowthSettings(sharing="none"))
    loaded, kept = load_fine_tuned(tmp_path / "grown")
    assert kept == task
    assert torch.equal(loaded.classifier.weight, model.classifier.weight)
    assert not (tmp_path / "grown" / "README.md").exists()  # its scores were the old model's


def test_a_run_folder_is_taken_for_the_model_in_it(small: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    save_small_model(tmp_path / "run" / "model")
    grow_folder(tmp_path / "run", tmp_path / "grown", DEEPER)
    assert report_of(tmp_path / "grown")["folder"] == str(tmp_path / "run" / "model")


def test_a_folder_without_a_vocabulary_grows_in_all_but_that(
    other_vocabulary: Path, tmp_path: Path
) -> None:
    save_model(tmp_path / "bare", MaskedLMModel(tiny_config()))
    grow_folder(tmp_path / "bare", tmp_path / "grown", DEEPER.changed(num_hidden_layers=5))
    for settings, vocabulary in (
        (GrowthSettings(), other_vocabulary),
        (GrowthSettings(vocab_size=32), None),
    ):
        with pytest.raises(VocabularyError, match=r"cannot change without the model's own: .*bare"):
            grow_folder(tmp_path / "bare", tmp_path / "no", settings, vocabulary)


def test_rows_can_be_added_where_nothing_says_what_they_stand_for(tmp_path: Path) -> None:
    save_model(tmp_path / "bare", MaskedLMModel(tiny_config()))
    grow_folder(tmp_path / "bare", tmp_path / "grown", GrowthSettings(vocab_size=64))
    old, new = (load_model(tmp_path / name).state_dict() for name in ("bare", "grown"))
    for table in ("encoder.embeddings.word.weight", "masked_lm.bias"):
        assert torch.equal(new[table][:40], old[table])
        assert torch.equal(new[table][40:], old[table].mean(0).expand_as(new[table][40:]))


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (GrowthSettings(), ConfigError, "give one of --num-hidden-layers, .* or --vocabulary"),
        (GrowthSettings(vocab_size=59), ConfigError, "59 rows are asked for, the vocabulary has 6"),
        (GrowthSettings(num_hidden_groups=2), ConfigError, "num_hidden_groups 2 exceeds"),
    ],
)
def test_what_cannot_be_done_leaves_nothing_behind(
    settings: GrowthSettings, error: type[Exception], words: str, small: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        grow_folder(small, tmp_path / "grown", settings)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_ever_replaced(small: Path, tmp_path: Path) -> None:
    save_small_model(tmp_path / "mine")
    with pytest.raises(StorageError, match="not empty"):
        grow_folder(small, tmp_path / "mine", DEEPER)
    with pytest.raises(StorageError, match="not empty"):
        grow_folder(small, small, DEEPER)
    with pytest.raises(ModelFolderError, match="lie within each other"):
        grow_folder(tmp_path / "mine", tmp_path / "mine" / "grown", DEEPER)
    with pytest.raises(ModelFolderError, match="does not exist"):
        grow_folder(tmp_path / "nowhere", tmp_path / "grown", DEEPER)
