import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from fakes import tiny_config
from litebert.encoder.models import ClassificationModel, PretrainingModel
from litebert.foundation.errors import (
    ModelFolderError,
    StorageError,
    VocabularyError,
)
from litebert.foundation.files import storage_errors
from litebert.weights.folder import (
    load_encoder,
    load_fine_tuned,
    load_model,
    load_outline,
    load_pretraining_model,
    matching_tokenizer,
    read_config,
    resolve_model_folder,
    save_model,
)
from small_models import small_tokenizer

TASK = {"kind": "classification", "labels": ["low", "middle", "high"]}


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    folder = tmp_path / "pretrained"
    save_model(folder, PretrainingModel(tiny_config()))
    return folder


@pytest.fixture
def finetuned(tmp_path: Path) -> Path:
    folder = tmp_path / "finetuned"
    save_model(folder, ClassificationModel(tiny_config(), 3), task=TASK, card="# A model\n")
    return folder


def alter(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replace tensors, given by names with __ for dots, or drop them where None."""
    path = folder / "model.safetensors"
    tensors: dict[str, Any] = load_file(path)
    tensors |= {name.replace("__", "."): tensor for name, tensor in changes.items()}
    save_file({k: v for k, v in tensors.items() if v is not None}, path)


def test_a_fine_tuned_folder_holds_task_labels_and_card(finetuned: Path) -> None:
    _, task = load_fine_tuned(finetuned)
    assert task == TASK
    config = json.loads((finetuned / "config.json").read_text())
    assert config["id2label"] == {"0": "low", "1": "middle", "2": "high"}
    assert (finetuned / "README.md").read_text() == "# A model\n"


def test_a_loaded_model_is_ready_to_use_and_to_train(pretrained: Path) -> None:
    model = load_pretraining_model(pretrained)
    assert not model.training
    assert all(p.requires_grad and p.device.type == "cpu" for p in model.parameters())


def test_the_encoder_is_read_whatever_the_head(pretrained: Path, finetuned: Path) -> None:
    for folder, head in ((pretrained, load_pretraining_model), (finetuned, load_fine_tuned)):
        loaded: Any = head(folder)
        whole = loaded[0] if isinstance(loaded, tuple) else loaded
        for key, tensor in load_encoder(folder).state_dict().items():
            assert torch.equal(tensor, whole.encoder.state_dict()[key])


def test_a_run_folder_resolves_to_the_model_in_it(pretrained: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    pretrained.rename(tmp_path / "run" / "model")
    assert resolve_model_folder(tmp_path / "run") == tmp_path / "run" / "model"
    assert read_config(tmp_path / "run") == tiny_config()


def test_folders_without_a_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="does not exist"):
        load_encoder(tmp_path / "nowhere")
    with pytest.raises(ModelFolderError, match=r"no config\.json"):
        load_encoder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="is a file"):
        load_encoder(tmp_path / "file")


def test_a_head_the_folder_lacks_is_named(pretrained: Path, finetuned: Path) -> None:
    with pytest.raises(ModelFolderError, match="not fine-tuned yet"):
        load_fine_tuned(pretrained)
    with pytest.raises(ModelFolderError, match="not a pretraining model"):
        load_pretraining_model(finetuned)


def test_a_folder_without_a_task_has_the_labels_of_its_configuration(finetuned: Path) -> None:
    (finetuned / "task.json").unlink()
    assert load_fine_tuned(finetuned)[1]["labels"] == TASK["labels"]


def test_a_task_that_does_not_fit_the_classifier_is_refused(finetuned: Path) -> None:
    (finetuned / "task.json").write_text('{"labels": ["a", "b"]}')
    with pytest.raises(ModelFolderError, match="2 labels, but the classifier has 3"):
        load_fine_tuned(finetuned)
    (finetuned / "task.json").write_text("[]")
    with pytest.raises(ModelFolderError, match="names no labels"):
        load_fine_tuned(finetuned)
    with pytest.raises(ModelFolderError, match="1 labels"):
        save_model(finetuned, ClassificationModel(tiny_config(), 3), task={"labels": ["a"]})


def test_what_is_missing_unexpected_and_misshapen_is_listed_at_once(pretrained: Path) -> None:
    alter(
        pretrained,
        albert__pooler__bias=None,
        extra__weight=torch.zeros(1),
        predictions__bias=torch.zeros(3),
        predictions__dense__bias=torch.zeros(8, dtype=torch.int64),
    )
    with pytest.raises(ModelFolderError) as caught:
        load_pretraining_model(pretrained)
    message = str(caught.value)
    assert "1 missing: albert.pooler.bias" in message
    assert "1 unexpected: extra.weight" in message
    assert "1 of the wrong shape: predictions.bias (3,) instead of (40,)" in message
    assert "1 not floating-point: predictions.dense.bias" in message


def test_old_constants_and_equal_tied_copies_are_accepted(pretrained: Path) -> None:
    word = load_file(pretrained / "model.safetensors")["albert.embeddings.word_embeddings.weight"]
    alter(
        pretrained,
        albert__embeddings__position_ids=torch.arange(32)[None],
        predictions__decoder__weight=word.clone(),
    )
    load_pretraining_model(pretrained)
    alter(pretrained, predictions__decoder__weight=word + 1)
    with pytest.raises(ModelFolderError, match=r"predictions\.decoder\.weight differ"):
        load_pretraining_model(pretrained)


@pytest.mark.parametrize(
    ("changes", "tensor"),
    [
        ({"sharing": "attention"}, "{layer}.attention.query.bias"),
        ({"sharing": "ffn"}, "{layer}.ffn_output.weight"),
        ({"embedding_size": 16}, "albert.encoder.embedding_hidden_mapping_in.weight"),
    ],
)
def test_an_altered_copy_is_refused(changes: dict[str, Any], tensor: str, tmp_path: Path) -> None:
    save_model(tmp_path / "model", PretrainingModel(tiny_config(**changes)))
    name = tensor.format(layer="albert.encoder.albert_layer_groups.3.albert_layers.0")
    stored = load_file(tmp_path / "model" / "model.safetensors")[name]
    alter(tmp_path / "model", **{name.replace(".", "__"): stored + 1})
    with pytest.raises(ModelFolderError, match="must be equal"):
        load_encoder(tmp_path / "model")


def test_loading_does_not_wait_for_a_compiler_to_be_imported(pretrained: Path) -> None:
    code = (
        "import sys; from litebert.weights.folder import load_encoder; "
        f"load_encoder({str(pretrained)!r}); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_half_precision_weights_are_read_as_float32(pretrained: Path) -> None:
    path = pretrained / "model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path)
    model = load_pretraining_model(pretrained)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_sets_that_no_depth_uses_do_not_hinder_loading(tmp_path: Path) -> None:
    config = tiny_config(num_hidden_layers=22, num_hidden_groups=22, intermediate_size=4)
    assert {config.group(depth) for depth in range(22)} != set(range(22))
    model = PretrainingModel(config).eval()
    save_model(tmp_path / "model", model)
    loaded = load_encoder(tmp_path / "model")
    ids = torch.arange(8)[None]
    assert torch.equal(loaded(ids).sequence, model.encoder(ids).sequence)


def test_pickled_and_split_weights_are_not_opened(pretrained: Path) -> None:
    (pretrained / "model.safetensors").rename(pretrained / "pytorch_model.bin")
    with pytest.raises(ModelFolderError, match="import huggingface"):
        load_encoder(pretrained)
    (pretrained / "model.safetensors.index.json").touch()
    with pytest.raises(ModelFolderError, match="import huggingface"):
        load_encoder(pretrained)


def test_a_model_folder_is_replaced_and_anything_else_is_not(
    pretrained: Path, tmp_path: Path
) -> None:
    model = PretrainingModel(tiny_config())
    save_model(pretrained, model)
    loaded = load_pretraining_model(pretrained)
    assert torch.equal(loaded.masked_lm.dense.weight, model.masked_lm.dense.weight)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(StorageError, match="not empty"):
        save_model(tmp_path / "mine", model)


def test_no_space_for_the_weights_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no space left"), storage_errors(tmp_path / "model"):
        raise SafetensorError("I/O error: No space left on device (os error 28)")


def test_a_vocabulary_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    tokenizer.save(tmp_path)
    size = tokenizer.vocab_size
    assert matching_tokenizer(tmp_path, tiny_config(vocab_size=size)) == tokenizer
    with pytest.raises(VocabularyError, match=f"{size} pieces, the model embeds {size - 1}"):
        matching_tokenizer(tmp_path, tiny_config(vocab_size=size - 1))


def test_an_outline_is_the_model_without_its_weights(pretrained: Path, finetuned: Path) -> None:
    for folder in (pretrained, finetuned):
        model, whole = load_outline(folder), load_model(folder)
        assert type(model) is type(whole)
        assert {n: p.shape for n, p in model.state_dict().items()} == {
            n: p.shape for n, p in whole.state_dict().items()
        }
        assert all(p.is_meta for p in model.parameters())
    alter(finetuned, classifier__bias=None)
    with pytest.raises(ModelFolderError, match=r"1 missing: classifier\.bias"):
        load_outline(finetuned)
