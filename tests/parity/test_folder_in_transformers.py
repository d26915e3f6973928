"""What litebert saves, transformers loads: no key too many or too few, and the same outputs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fakes import tiny_config
from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.layout import Padded
from litebert.encoder.models import ClassificationModel, PretrainingModel
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import (
    load_classifier,
    load_encoder,
    load_pretraining_model,
    save_model,
)

transformers = pytest.importorskip("transformers")

CONFIGS = {
    f"{sharing}, {groups} of 4, E {embedding}, {inner} inner": tiny_config(
        sharing=sharing, num_hidden_groups=groups, embedding_size=embedding, inner_group_num=inner
    )
    for sharing in ("all", "attention", "ffn", "none")
    for groups in (1, 2, 4)
    for embedding in (8, 16)
    for inner in (1, 2)
}
CONFIGS |= {
    # Depth 9 is in group 7 of ours and in group 6 of transformers'.
    f"{sharing}, 14 of 18": tiny_config(
        sharing=sharing, num_hidden_layers=18, num_hidden_groups=14, intermediate_size=8
    )
    for sharing in ("all", "ffn")
}
CONFIGS |= {
    f"albert, {activation}": tiny_config(hidden_act=activation)
    for activation in ("gelu_erf", "relu", "tanh", "linear")
}
CONFIGS |= {
    f"bert, {activation}": tiny_config(
        family="bert", sharing="none", embedding_size=16, hidden_act=activation
    )
    for activation in ("gelu", "gelu_erf")
}
HEADS = ("pretraining", "classification")
IDS = torch.randint(40, (2, 9), generator=torch.Generator().manual_seed(1))
SEGMENTS = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0, 0, 0]])
MASK = torch.tensor([[1] * 9, [1] * 5 + [0] * 4])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower, much slower on a busy machine, with more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_folder_is_the_same_model_in_transformers_and_again_in_litebert(
    head: str, name: str, tmp_path: Path
) -> None:
    model = build(head, CONFIGS[name])
    save_model(tmp_path, model)
    assert_equal_outputs(model, load_in_transformers(tmp_path))
    assert_equal_bits(model, load(head, tmp_path))


@pytest.mark.parametrize("name", ["ffn, 2 of 4, E 16, 2 inner", "albert, relu", "bert, gelu"])
def test_an_encoder_alone_is_the_same_model_too(name: str, tmp_path: Path) -> None:
    model = build("none", CONFIGS[name])
    save_model(tmp_path, model)
    assert_equal_outputs(model, load_in_transformers(tmp_path))
    assert_equal_bits(model, load("none", tmp_path))


@pytest.mark.parametrize("head", ["none", *HEADS])
@pytest.mark.parametrize("family", ["albert", "bert"])
def test_a_folder_saved_by_transformers_is_read(head: str, family: str, tmp_path: Path) -> None:
    kind = {
        "none": "Model",
        "pretraining": "ForPreTraining",
        "classification": "ForSequenceClassification",
    }[head]
    shape = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 4}
    if family == "albert":
        shape |= {"embedding_size": 8, "num_hidden_groups": 2, "inner_group_num": 2}
    config = transformers.AutoConfig.for_model(family, **shape, intermediate_size=32)
    torch.manual_seed(0)
    theirs = getattr(transformers, family.capitalize() + kind)(config).eval()
    theirs.save_pretrained(tmp_path)
    assert_equal_outputs(load(head, tmp_path), theirs)


@pytest.mark.parametrize("family", ["albert", "bert"])
def test_text_gives_the_same_ids_and_labels_in_transformers(
    family: str, tmp_path: Path, shared: Path
) -> None:
    tokenizer = Tokenizer.load(shared / "data" / "spm" / "30k-clean.model")
    changes = (
        {"family": family, "sharing": "none", "embedding_size": 16} if family == "bert" else {}
    )
    model = build("classification", tiny_config(vocab_size=30_000, **changes))
    save_model(tmp_path, model, tokenizer, {"labels": ["a", "b", "c"]})
    theirs = load_in_transformers(tmp_path)
    assert theirs.config.id2label == {0: "a", 1: "b", 2: "c"}
    reader = transformers.AutoTokenizer.from_pretrained(tmp_path)
    given = reader("An ALBERT,", "loaded twice.", return_token_type_ids=True)
    pair = tokenizer.pair("An ALBERT,", "loaded twice.")
    assert given["input_ids"] == pair.ids
    assert given["token_type_ids"] == pair.segment_ids
    assert (reader.pad_token_id, reader.cls_token_id) == (tokenizer.pad_id, tokenizer.cls_id)


def build(head: str, config: EncoderConfig) -> Any:
    torch.manual_seed(0)
    model: nn.Module = {
        "none": lambda: Encoder(config),
        "pretraining": lambda: PretrainingModel(config),
        "classification": lambda: ClassificationModel(config, 3),
    }[head]()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)  # biases and norms too, so that nothing is equal by chance
    return model.eval()


def load(head: str, folder: Path) -> Any:
    if head == "classification":
        return load_classifier(folder)[0]
    return load_pretraining_model(folder) if head == "pretraining" else load_encoder(folder)


def load_in_transformers(folder: Path) -> Any:
    """Load as a user does, by the architecture the folder names, checking what was reported."""
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0])
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    assert {key: value for key, value in report.items() if value} == {}
    return model.eval()


def assert_equal_outputs(ours: Any, theirs: Any) -> None:
    """Equal at every real token, for a batch without padding and one with."""
    for mask in (None, MASK):
        with torch.no_grad():
            expected = theirs(IDS, attention_mask=mask, token_type_ids=SEGMENTS).to_tuple()
            given = outputs(ours, mask)
        for a, b in zip(given, expected, strict=True):
            real = MASK.bool() if mask is not None and a.dim() == 3 else slice(None)
            assert torch.allclose(a[real], b[real], rtol=0, atol=1e-5)


def outputs(model: Any, mask: Tensor | None) -> list[Tensor]:
    """Ours, in the order and shapes of transformers'."""
    if isinstance(model, Encoder):
        return list(model(IDS, mask, SEGMENTS)[:2])
    if isinstance(model, ClassificationModel):
        return [model(IDS, SEGMENTS, Padded(mask))]
    lm, order = model(IDS, SEGMENTS, Padded(mask), torch.arange(IDS.numel()))
    return [lm.view(*IDS.shape, -1), order]


def assert_equal_bits(model: Any, loaded: Any) -> None:
    assert loaded.config == model.config
    assert list(loaded.state_dict()) == list(model.state_dict())
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key
    assert all(parameter.requires_grad for parameter in loaded.parameters())
