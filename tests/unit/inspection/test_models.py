import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from fakes import tiny_config
from litebert.encoder.models import HEADS, ClassificationModel, Head, MaskedLMModel
from litebert.foundation.errors import ModelFolderError
from litebert.foundation.files import write_json
from litebert.inspection.models import HEADS as WORDS
from litebert.inspection.models import inspect_model, inspect_vocabulary
from litebert.text.tokenizer import WordPieceTokenizer
from litebert.weights.folder import load_model, save_model
from litebert.weights.grown import GrowthSettings, grow_folder
from small_models import small_tokenizer


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def foreign(folder: Path) -> Path:
    """Make of our folder one as transformers writes it: nothing of litebert's in it."""
    path = folder / "config.json"
    values = json.loads(path.read_text())
    del values["litebert"]
    path.write_text(json.dumps(values))
    return folder


def test_a_model_folder_is_described_with_all_its_parts(albert: Path) -> None:
    found = inspect_model(albert)
    facts = found.facts
    assert found.kind == "model folder"
    assert facts["model"] == "ALBERT, 1 depth of width 32"
    assert facts["sharing"] == "all: the depths of a group share a layer (1 group)"
    assert facts["head"] == "masked LM and sentence order"
    assert facts["vocabulary"] == "SentencePiece, 60 pieces"
    whole = sum(p.numel() for p in load_model(albert).parameters())
    assert facts["parameters"].startswith(f"{whole:,} ")
    parts = [int(v.replace(",", "")) for name, v in facts.items() if name.startswith("  ")]
    assert sum(parts) == whole
    assert "litebert finetune" in found.hints[0]


def test_bert_and_rows_of_no_piece_are_said(bert: Path) -> None:
    facts = inspect_model(bert).facts
    assert facts["model"] == "BERT, 4 depths of width 16"
    assert facts["sharing"] == "none: every depth has a layer of its own"
    assert facts["vocabulary"] == "SentencePiece, 60 pieces, and 4 rows of no piece"


def test_every_head_has_its_words() -> None:
    assert set(WORDS) == set(HEADS)


@pytest.mark.parametrize("head", ["none", "choice", "tagging", "span", "answerable_span"])
def test_every_head_is_told_apart(head: Head, tmp_path: Path) -> None:
    kind = HEADS[head]
    save_model(tmp_path / "model", kind.build(tiny_config(), 3, kind.needs_pooler))
    shown = inspect_model(tmp_path / "model").facts["head"]
    assert shown == WORDS[head] + (" (no pooler)" if not kind.needs_pooler else "")


def test_labels_of_a_fine_tuned_model_are_named(tmp_path: Path) -> None:
    labels = [f"label {i}" for i in range(10)]
    model = ClassificationModel(tiny_config(vocab_size=60), 10)
    save_model(tmp_path / "model", model, small_tokenizer(), {"labels": labels})
    found = inspect_model(tmp_path / "model")
    assert found.facts["head"] == (
        f"classes of a text: 10 labels ({', '.join(labels[:8])} and 2 more)"
    )
    assert "litebert predict" in found.hints[0]


def test_where_a_model_comes_from_is_said(albert: Path, tmp_path: Path) -> None:
    grow_folder(albert, tmp_path / "grown", GrowthSettings(num_hidden_layers=2))
    assert inspect_model(tmp_path / "grown").facts["grown from"] == f"{albert} (see growth.json)"
    folder = copied(albert, tmp_path / "imported")
    write_json(folder / "import.json", {"source": "model.ckpt-best", "tensors": []})
    facts = inspect_model(folder).facts
    assert facts["imported from"] == "model.ckpt-best (see import.json)"


def test_a_hugging_face_folder_that_loads_as_it_is_is_called_so(
    albert: Path, tmp_path: Path
) -> None:
    folder = foreign(copied(albert, tmp_path / "theirs"))
    assert inspect_model(folder).kind == "Hugging Face folder, read as it is"


def test_a_hugging_face_folder_that_must_be_imported_names_the_command(
    albert: Path, tmp_path: Path
) -> None:
    folder = foreign(copied(albert, tmp_path / "theirs"))
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    weights.rename(folder / "pytorch_model.bin")
    found = inspect_model(folder)
    assert found.kind == "Hugging Face folder, not imported yet"
    assert found.facts["weights"] == "pytorch_model.bin (in one file, pickled)"
    assert found.hints == [f"litebert import huggingface {folder} OUT --allow-pickle imports it"]
    (folder / "pytorch_model.bin").unlink()
    del tensors["albert.pooler.weight"]
    save_file(tensors, weights)
    found = inspect_model(folder)
    assert "1 missing: albert.pooler.weight" in found.facts["as it is"]
    assert found.hints == [f"litebert import huggingface {folder} OUT imports it"]


def test_an_older_configuration_without_a_type_is_left_to_the_import(
    albert: Path, tmp_path: Path
) -> None:
    folder = foreign(copied(albert, tmp_path / "theirs"))
    path = folder / "config.json"
    values = json.loads(path.read_text())
    del values["model_type"]
    path.write_text(json.dumps(values))
    assert "import huggingface" in inspect_model(folder).hints[0]
    path.write_text(json.dumps({**values, "model_type": "roberta"}))
    with pytest.raises(ModelFolderError, match="'roberta' is not one litebert reads"):
        inspect_model(folder)
    path.write_text("[]")
    with pytest.raises(ModelFolderError, match="no JSON object"):
        inspect_model(folder)


def test_a_damaged_model_of_ours_is_an_error(albert: Path, tmp_path: Path) -> None:
    folder = copied(albert, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelFolderError, match="cut short"):
        inspect_model(folder)


def test_a_model_without_a_usable_vocabulary_is_shown_all_the_same(tmp_path: Path) -> None:
    save_model(tmp_path / "model", MaskedLMModel(tiny_config()))
    found = inspect_model(tmp_path / "model")
    assert found.facts["vocabulary"] == "none beside the model, which embeds 40 pieces"
    assert "Copy its spiece.model or vocab.txt" in found.hints[0]
    small_tokenizer().save(tmp_path / "model")
    line = inspect_model(tmp_path / "model").facts["vocabulary"]
    assert line.startswith("cannot be used: ")


def test_vocabularies_of_both_kinds_are_described(tmp_path: Path) -> None:
    small_tokenizer().save(tmp_path)
    found = inspect_vocabulary(tmp_path)
    assert found.kind == "vocabulary"
    assert found.facts["kind"] == "SentencePiece"
    assert found.facts["pieces"] == "60, of which 55 are text"
    assert found.facts["lower case"] == "yes"
    assert found.facts["special pieces"] == "<pad> 0, <unk> 1, [CLS] 2, [SEP] 3, [MASK] 4"
    assert inspect_vocabulary(tmp_path / "spiece.model").facts == found.facts
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    WordPieceTokenizer([*special, "a", "##a"]).save(tmp_path / "words")
    facts = inspect_vocabulary(tmp_path / "words").facts
    assert facts["pieces"] == "7, of which 2 are text"
    assert facts["longest word"] == "200"
