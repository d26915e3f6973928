import pytest
import torch
from torch import nn

from litebert.optim.groups import decays, parameter_groups


@pytest.mark.parametrize(
    "name",
    [
        "encoder.embeddings.norm.weight",
        "encoder.attention.0.0.query.bias",
        "masked_lm.norm.weight",
        "masked_lm.bias",
        "norm.weight",
        "bert/embeddings/LayerNorm/gamma",
        "bert/encoder/transformer/group_0/inner_group_0/LayerNorm_1/beta",
        "cls/predictions/output_bias",
        "albert.encoder.albert_layer_groups.0.albert_layers.0.full_layer_layer_norm.weight",
    ],
)
def test_norms_and_biases_do_not_decay(name: str) -> None:
    assert not decays(name)


@pytest.mark.parametrize(
    "name",
    [
        "encoder.embeddings.word.weight",
        "encoder.attention.0.0.query.weight",
        "sentence_order.weight",
        "normaliser.weight",
        "bert/embeddings/word_embeddings",
        "cls/seq_relationship/output_weights",
    ],
)
def test_kernels_and_tables_decay(name: str) -> None:
    assert decays(name)


def test_groups_keep_order_and_names_and_leave_frozen_parameters_out() -> None:
    named = [(n, nn.Parameter(torch.zeros(1))) for n in ["a.weight", "a.bias", "b.weight", "c"]]
    named[3][1].requires_grad_(False)
    decayed, rest = parameter_groups(named, 0.3)
    assert [name for name, _ in decayed["params"]] == ["a.weight", "b.weight"]
    assert [name for name, _ in rest["params"]] == ["a.bias"]
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.3, 0.0)


def test_a_group_without_parameters_is_left_out() -> None:
    assert len(parameter_groups([("a.bias", nn.Parameter(torch.zeros(1)))], 0.3)) == 1
