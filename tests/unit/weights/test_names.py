import re

import pytest
import torch

from fakes import tiny_config
from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import HEADS, encoder_of
from litebert.weights.configuration import ARCHITECTURES, architecture
from litebert.weights.names import (
    TABLES,
    Family,
    full_names,
    hugging_face_name,
    is_constant,
)
from litebert.weights.stored import stored_form

transformers = pytest.importorskip("transformers")

ALBERT = tiny_config(num_hidden_groups=2, inner_group_num=2)
BERT = tiny_config(family="bert", sharing="none", embedding_size=16)


@pytest.mark.parametrize("config", [ALBERT, BERT], ids=["albert", "bert"])
def test_table_and_models_agree_both_ways(config: EncoderConfig) -> None:
    """Every row names a parameter of ours, and every parameter of ours has a row."""
    with torch.device("meta"):
        models = [kind.build(config, 2, True) for head, kind in HEADS.items() if head != "none"]
    ours = {name for model in models for name in model.state_dict()}
    rows = {re.sub(r"\.\d+\.\d+\.", ".*.*.", name).rpartition(".")[0] for name in ours}
    assert rows == set(TABLES[config.family])
    theirs = {hugging_face_name(name, config.family) for name in ours}
    assert len(theirs) == len(ours)


@pytest.mark.parametrize("config", [ALBERT, BERT], ids=["albert", "bert"])
def test_the_names_are_those_of_transformers_models(config: EncoderConfig) -> None:
    family: Family = config.family
    shape = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 4}
    if family == "albert":
        shape |= {"num_hidden_groups": 2, "inner_group_num": 2}
    foreign = transformers.AutoConfig.for_model(family, **shape)
    pairs = [
        (kind.build(config, 2, kind.needs_pooler or head == "none"), architecture(head, family))
        for head, kind in HEADS.items()
        if head in ARCHITECTURES
    ]
    for model, name in pairs:
        form = stored_form(model, encoder_of(model))
        theirs = getattr(transformers, name)(foreign).state_dict()
        assert {*form.parameters, *form.tied} == set(theirs)


def test_a_name_outside_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        hugging_face_name("encoder.projection.weight", "bert")


def test_constants_of_old_files_are_recognised() -> None:
    assert is_constant("albert.embeddings.position_ids")
    assert is_constant("embeddings.position_ids")
    assert not is_constant("albert.embeddings.position_embeddings.weight")


def test_an_encoder_saved_alone_gets_its_familys_name() -> None:
    alone = ["embeddings.word_embeddings.weight", "pooler.weight", "x.weight"]
    names = {name: name for name in alone}
    for family in ("albert", "bert"):
        assert full_names(alone, family) == {
            f"{family}.{name}" if name != "x.weight" else name: name for name in names
        }


def test_what_a_wrapper_put_in_front_goes() -> None:
    names = ["m.albert.embeddings.word_embeddings.weight", "m.predictions.bias", "other.bias"]
    assert full_names(names, "albert") == {
        "albert.embeddings.word_embeddings.weight": names[0],
        "predictions.bias": names[1],
        "other.bias": names[2],
    }


def test_names_that_would_become_one_stay_apart() -> None:
    names = ["x.LayerNorm.weight", "x.LayerNorm.gamma", "x.LayerNorm.beta"]
    assert full_names(names, "bert") == {
        "x.LayerNorm.weight": "x.LayerNorm.weight",
        "x.LayerNorm.gamma": "x.LayerNorm.gamma",
        "x.LayerNorm.bias": "x.LayerNorm.beta",
    }


def test_several_models_in_one_file_are_left_as_they_are() -> None:
    names = [f"{who}.albert.embeddings.word_embeddings.weight" for who in ("student", "teacher")]
    assert full_names(names, "albert") == {name: name for name in names}
