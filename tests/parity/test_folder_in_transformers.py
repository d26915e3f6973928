"""What litebert saves, transformers loads: no key too many or too few, and the same outputs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fakes import tiny_config
from in_transformers import (
    assert_equal_bits,
    assert_equal_outputs,
    load_in_transformers,
    random_model,
)
from litebert.encoder.models import HEADS, Head
from litebert.text.tokenizer import Tokenizer
from litebert.weights.configuration import ARCHITECTURES
from litebert.weights.folder import load_model, save_model

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
HEADLESS = [head for head in HEADS if not HEADS[head].needs_pooler and head != "none"]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower, much slower on a busy machine, with more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_folder_is_the_same_model_in_transformers_and_again_in_litebert(
    name: str, tmp_path: Path
) -> None:
    model = random_model("pretraining", CONFIGS[name])
    save_model(tmp_path, model)
    assert_equal_outputs(model, load_in_transformers(tmp_path))
    assert_equal_bits(model, load_model(tmp_path))


@pytest.mark.parametrize("head", ARCHITECTURES)
@pytest.mark.parametrize(
    "name", ["all, 1 of 4, E 8, 1 inner", "ffn, 2 of 4, E 16, 2 inner", "bert, gelu"]
)
def test_so_it_is_with_every_head(head: Head, name: str, tmp_path: Path) -> None:
    model = random_model(head, CONFIGS[name])
    save_model(tmp_path, model)
    assert_equal_outputs(model, load_in_transformers(tmp_path))
    assert_equal_bits(model, load_model(tmp_path))


@pytest.mark.parametrize("family", ["albert", "bert"])
@pytest.mark.parametrize("head", [head for head in HEADLESS if head in ARCHITECTURES])
def test_a_pooler_that_their_head_does_not_have_is_all_they_pass_over(
    head: Head, family: str, tmp_path: Path
) -> None:
    config = CONFIGS["bert, gelu" if family == "bert" else "albert, relu"]
    model = random_model(head, config, pooler=True)
    save_model(tmp_path, model)
    theirs = load_in_transformers(tmp_path, passed_over=f"{family}.pooler.")
    assert_equal_outputs(model, theirs)
    assert_equal_bits(model, load_model(tmp_path))


def test_what_they_cannot_run_they_do_not_load(tmp_path: Path) -> None:
    save_model(tmp_path, random_model("answerable_span", tiny_config()))
    with pytest.raises(ValueError, match="litebert"):
        transformers.AutoModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("family", ["albert", "bert"])
def test_text_gives_the_same_ids_and_labels_in_transformers(
    family: str, tmp_path: Path, shared: Path
) -> None:
    tokenizer = Tokenizer.load(shared / "data" / "spm" / "30k-clean.model")
    changes = (
        {"family": family, "sharing": "none", "embedding_size": 16} if family == "bert" else {}
    )
    model = random_model("classification", tiny_config(vocab_size=30_000, **changes))
    save_model(tmp_path, model, tokenizer, {"labels": ["a", "b", "c"]})
    theirs = load_in_transformers(tmp_path)
    assert theirs.config.id2label == {0: "a", 1: "b", 2: "c"}
    reader = transformers.AutoTokenizer.from_pretrained(tmp_path)
    given = reader("An ALBERT,", "loaded twice.", return_token_type_ids=True)
    pair = tokenizer.pair("An ALBERT,", "loaded twice.")
    assert given["input_ids"] == pair.ids
    assert given["token_type_ids"] == pair.segment_ids
    assert (reader.pad_token_id, reader.cls_token_id) == (tokenizer.pad_id, tokenizer.cls_id)
