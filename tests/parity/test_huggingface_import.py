"""Folders that transformers saved, imported by the command: the same numbers, and the way back."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from in_transformers import assert_equal_outputs, load_in_transformers
from litebert.cli.main import main
from litebert.encoder.models import head_of
from litebert.weights.configuration import ARCHITECTURES, architecture
from litebert.weights.folder import load_encoder, load_model
from litebert.weights.names import Family

transformers = pytest.importorskip("transformers")

SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 32,
}
SHAPES: dict[str, tuple[Family, dict[str, Any]]] = {
    "albert": ("albert", {"embedding_size": 8}),
    "albert, groups": ("albert", {"num_hidden_groups": 2, "inner_group_num": 2}),
    "albert, exact gelu": ("albert", {"embedding_size": 8, "hidden_act": "gelu"}),
    "bert": ("bert", {}),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower, much slower on a busy machine, with more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def saved(place: Path, name: str, shape: str) -> Any:
    """A random model of transformers', saved."""
    family, changes = SHAPES[shape]
    values = {**SMALL, **changes}
    if name.endswith(("SequenceClassification", "TokenClassification")):
        values["num_labels"] = 3
    torch.manual_seed(0)
    theirs = getattr(transformers, name)(transformers.AutoConfig.for_model(family, **values)).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(0, 0.3)  # biases and norms too, so that nothing is equal by chance
    theirs.save_pretrained(place)
    return theirs


def imported(source: Path, out: Path, *options: str) -> Any:
    assert main(["import", "huggingface", str(source), str(out), *options]) == 0
    return load_model(out)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("head", ARCHITECTURES)
def test_every_head_gives_the_same_numbers_here_and_on_the_way_back(
    head: Any, shape: str, tmp_path: Path
) -> None:
    theirs = saved(tmp_path / "theirs", architecture(head, SHAPES[shape][0]), shape)
    ours = imported(tmp_path / "theirs", tmp_path / "ours")
    assert head_of(ours) == head
    assert_equal_outputs(ours, theirs)
    back = load_in_transformers(tmp_path / "ours")
    assert_equal_outputs(ours, back)
    back.save_pretrained(tmp_path / "back")
    before = load_file(tmp_path / "theirs" / "model.safetensors")
    after = load_file(tmp_path / "back" / "model.safetensors")
    assert set(before) == set(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_published_albert_keeps_its_pooler(tmp_path: Path) -> None:
    """albert-base-v2 calls itself AlbertForMaskedLM, and its file holds a pooler."""
    theirs = saved(tmp_path / "theirs", "AlbertForPreTraining", "albert")
    path = tmp_path / "theirs" / "model.safetensors"
    tensors = {name: t for name, t in load_file(path).items() if "sop_classifier" not in name}
    save_file(tensors, path, metadata={"format": "pt"})
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    config["architectures"] = ["AlbertForMaskedLM"]
    (tmp_path / "theirs" / "config.json").write_text(json.dumps(config))
    ours = imported(tmp_path / "theirs", tmp_path / "ours")
    assert head_of(ours) == "masked_lm"
    assert torch.equal(ours.encoder.pooler.weight, theirs.albert.pooler.weight)
    assert_equal_outputs(ours.encoder, theirs.albert)
    assert_equal_outputs(ours, load_in_transformers(tmp_path / "ours", "albert.pooler."))


def test_real_pretrained_weights_give_their_reference_and_transformers_outputs(
    tmp_path: Path, shared: Path
) -> None:
    source = shared / "data" / "plbert"
    out = tmp_path / "ours"
    assert main(["import", "huggingface", str(source), str(out), "--allow-missing-heads"]) == 0
    reference = np.load(source / "reference_io.npz")
    ids = torch.from_numpy(reference["input_ids"])
    expected = torch.from_numpy(reference["numpy_fp32_dequant_last_hidden"])
    shutil.copyfile(source / "config.json", tmp_path / "config.json")
    weights = source / "albert_plbert_dequant.safetensors"
    shutil.copyfile(weights, tmp_path / "model.safetensors")
    config = transformers.AlbertConfig.from_pretrained(tmp_path)
    theirs = transformers.AlbertModel(config, add_pooling_layer=False)
    theirs.load_state_dict(load_file(tmp_path / "model.safetensors"))
    with torch.no_grad():
        ours = load_encoder(out)(ids).sequence
        assert torch.allclose(ours, expected, rtol=0, atol=1e-4)
        assert torch.allclose(ours, theirs.eval()(ids)[0], rtol=0, atol=1e-5)
