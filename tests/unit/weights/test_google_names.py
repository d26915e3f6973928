"""Google's names of our parameters, both ways."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from fakes import tiny_config
from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import HEADS
from litebert.weights.google_names import (
    GOOGLE_TABLES,
    family_of,
    google_name,
    head_names,
    heads_held,
    is_object_based,
    is_transposed,
    why_skipped,
    without_prefix,
)

ALBERT = tiny_config(num_hidden_groups=2, inner_group_num=2)
BERT = tiny_config(family="bert", sharing="none", embedding_size=16)
WORDS = "bert/embeddings/word_embeddings"


def parameters(config: EncoderConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter that any head has, by our names."""
    with torch.device("meta"):
        models = [kind.build(config, 2, True) for head, kind in HEADS.items() if head != "none"]
    return {name: tuple(t.shape) for model in models for name, t in model.state_dict().items()}


@pytest.mark.parametrize("config", [ALBERT, BERT], ids=["albert", "bert"])
def test_table_and_models_agree_both_ways(config: EncoderConfig) -> None:
    """Every row names a module of ours, and every parameter of ours has a name of its own."""
    ours = parameters(config)
    rows = {re.sub(r"\.\d+\.\d+\.", ".*.*.", name).rpartition(".")[0] for name in ours}
    # BERT has no projection: its table may leave it out.
    assert rows == set(GOOGLE_TABLES[config.family])
    theirs = {google_name(name, config.family) for name in ours}
    assert len(theirs) == len(ours)


@pytest.mark.parametrize("folder", ["model_shared", "model_groups"])
def test_names_and_shapes_are_those_of_the_original(folder: str, golden: Path) -> None:
    stored = np.load(golden / folder / "weights.npz")
    theirs = {name.replace(".", "/"): array.shape for name, array in stored.items()}
    groups = {"model_shared": 1, "model_groups": 3}[folder]
    config = tiny_config(
        vocab_size=200,
        embedding_size=16,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_groups=groups,
        max_position_embeddings=64,
    )
    with torch.device("meta"):
        model = HEADS["pretraining"].build(config, 0, True)
    ours = {
        google_name(name, "albert"): tuple(t.shape)[::-1] if is_transposed(name) else tuple(t.shape)
        for name, t in model.state_dict().items()
    }
    assert ours == theirs


@pytest.mark.parametrize(
    ("ours", "albert", "bert"),
    [
        (
            "encoder.attention.2.1.query.weight",
            "bert/encoder/transformer/group_2/inner_group_1/attention_1/self/query/kernel",
            "bert/encoder/layer_2/attention/self/query/kernel",
        ),
        (
            "encoder.ffn.0.0.output.bias",
            "bert/encoder/transformer/group_0/inner_group_0/ffn_1/intermediate/output/dense/bias",
            "bert/encoder/layer_0/output/dense/bias",
        ),
        (
            "encoder.ffn.11.0.norm.weight",
            "bert/encoder/transformer/group_11/inner_group_0/LayerNorm_1/gamma",
            "bert/encoder/layer_11/output/LayerNorm/gamma",
        ),
        ("classifier.weight", "output_weights", "output_weights"),
        ("span.bias", "cls/squad/output_bias", "cls/squad/output_bias"),
        ("masked_lm.bias", "cls/predictions/output_bias", "cls/predictions/output_bias"),
        ("encoder.embeddings.word.weight", WORDS, WORDS),
    ],
)
def test_names_by_example(ours: str, albert: str, bert: str) -> None:
    assert google_name(ours, "albert") == albert
    assert google_name(ours, "bert") == bert


def test_a_stored_set_replaces_the_number_of_ours() -> None:
    stored = google_name("encoder.ffn.0.1.norm.bias", "albert", 7)
    assert stored == "bert/encoder/transformer/group_7/inner_group_1/LayerNorm_1/beta"


def test_kernels_alone_are_transposed() -> None:
    ours = parameters(ALBERT)
    turned = {name for name in ours if is_transposed(name)}
    assert all(len(ours[name]) == 2 for name in turned)
    others = {name for name in ours if len(ours[name]) == 2} - turned
    assert {name.partition(".")[0] for name in others - {n for n in ours if "embeddings" in n}} == {
        *("classifier", "span", "sentence_order")
    }


def test_the_family_is_told_by_the_layers() -> None:
    assert family_of([WORDS, "bert/encoder/transformer/group_0/x"]) == "albert"
    assert family_of([WORDS, "bert/encoder/layer_0/x"]) == "bert"
    assert family_of(["roberta/embeddings/word_embeddings"]) is None


def test_a_modules_prefix_is_left_out_and_nothing_is_lost() -> None:
    assert without_prefix([WORDS, "global_step"]) == {WORDS: WORDS, "global_step": "global_step"}
    names = [f"module/{WORDS}", "module/bert/pooler/dense/bias", "output_bias", "global_step"]
    found = without_prefix(names)
    assert found[WORDS] == f"module/{WORDS}"
    assert found["output_bias"] == "output_bias"
    assert sorted(found.values()) == sorted(names)
    both = [f"module/{WORDS}", "module/output_bias", "output_bias"]
    assert sorted(without_prefix(both).values()) == sorted(both)
    two = [f"teacher/{WORDS}", f"student/{WORDS}"]
    assert family_of(without_prefix(two)) is None


def test_the_optimisers_variables_are_told_from_the_models() -> None:
    names = {"a/kernel": "", "a/kernel/adam_m": "", "Adam": "", "b/adam_v": "", "x/global_step": ""}
    assert why_skipped("a/kernel/adam_m", names) == "the optimiser's"
    assert why_skipped("x/global_step", names) == "a counter of the training"
    assert [why_skipped(name, names) for name in ("a/kernel", "Adam", "b/adam_v")] == [None] * 3


def test_heads_are_found_by_their_variables() -> None:
    names = ["output_weights", "cls/predictions/output_bias", WORDS]
    assert heads_held(names, "albert") == {"classifier.weight", "masked_lm.bias"}
    assert set(names[:1]) <= head_names({"classifier"}, "bert")
    assert "answer_class/dense_1/kernel" in head_names({"answerable_span"}, "albert")


def test_keras_names_are_known_for_what_they_are() -> None:
    assert is_object_based(["model/layer-1/kernel/.ATTRIBUTES/VARIABLE_VALUE"])
    assert not is_object_based([WORDS])
