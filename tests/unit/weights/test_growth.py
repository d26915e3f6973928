from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fakes import tiny_config
from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Packed
from litebert.encoder.models import HEADS, Head, Model, encoder_of
from litebert.foundation.errors import ConfigError
from litebert.weights.folder import load_model, save_model
from litebert.weights.growth import grow, grown_config, growth_of

IDS = torch.arange(5, 27)
LAYOUT = Packed([9, 9, 4])
SHARINGS = ("all", "attention", "ffn", "none")


def model_of(head: Head = "pretraining", seed: int = 0, **changes: Any) -> Model:
    torch.manual_seed(seed)
    config = tiny_config(initializer_range=0.3, **changes)
    return HEADS[head].build(config, 3, HEADS[head].needs_pooler).eval()


@torch.no_grad()
def outputs(model: Model) -> list[Tensor]:
    """All that a model computes of a packed batch: every layer, the pooled vector, its head."""
    made = encoder_of(model).encode(IDS, None, LAYOUT, all_layers=True)
    results = [made.sequence, *([] if made.pooled is None else [made.pooled])]
    heads: dict[str, Callable[[Any], Tensor]] = {
        "masked_lm": lambda m: m.masked_lm_logits(made.sequence),
        "sentence_order": lambda m: m.sentence_order(made.pooled),
        "classifier": lambda m: m(IDS, None, LAYOUT),
        "span": lambda m: m(IDS, None, LAYOUT),
        "answerable_span": lambda m: m.answerable_span.start(made.sequence),
    }
    return results + [head(model) for name, head in heads.items() if hasattr(model, name)]


def same(a: Model, b: Model) -> bool:
    return all(torch.equal(x, y) for x, y in zip(outputs(a), outputs(b), strict=True))


def grown(model: Model, **changes: Any) -> Model:
    return grow(model, grown_config(encoder_of(model).config, **changes))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    "changes",
    [
        {"sharing": "none"},
        {"sharing": "attention"},
        {"sharing": "ffn"},
        {"num_hidden_groups": 2},
        {"num_hidden_groups": 4},
        {"num_hidden_groups": 2, "sharing": "ffn"},
        {"num_hidden_layers": 2, "inner_group_num": 2},
        {"num_hidden_layers": 1, "inner_group_num": 4, "sharing": "none"},
    ],
)
def test_growing_in_sharing_alone_changes_no_output(head: Head, changes: dict[str, Any]) -> None:
    small = model_of(head)
    large = grown(small, **changes)
    assert type(large) is type(small)
    assert same(small, large)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SHARINGS),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from(SHARINGS),
    st.integers(1, 6),
)
def test_at_the_same_depth_a_model_grows_exactly_or_not_at_all(
    sharing: Any, depth: int, groups: int, new_sharing: Any, new_groups: int
) -> None:
    size = {"num_hidden_layers": depth, "hidden_size": 8, "intermediate_size": 8}
    small = model_of(
        "none", sharing=sharing, num_hidden_groups=min(groups, depth), num_attention_heads=1, **size
    )
    changes = {"sharing": new_sharing, "num_hidden_groups": min(new_groups, depth)}
    with suppress(ConfigError):
        assert same(small, grown(small, **changes))


@pytest.mark.parametrize("sharing", SHARINGS)
def test_what_was_one_layer_is_shared_no_more_and_back_only_while_the_copies_are_equal(
    sharing: Any,
) -> None:
    small = model_of()
    large = grown(small, sharing=sharing)
    again = grown(large, sharing="all")
    assert same(small, again)
    assert {n: p.shape for n, p in again.named_parameters()} == {
        n: p.shape for n, p in small.named_parameters()
    }
    with torch.no_grad():
        list(encoder_of(large).ffn)[-1][0].norm.bias[0] += 1  # type: ignore[index]
    if sharing in ("attention", "none"):
        with pytest.raises(ConfigError, match="feed-forward of depth 0 and of depth 3 would"):
            grown(large, sharing="all")


def test_the_copies_of_a_layer_train_apart() -> None:
    small = model_of("none")
    large = grown(small, sharing="none")
    before = outputs(small)
    with torch.no_grad():
        encoder_of(large).ffn[2][0].output.weight.zero_()  # type: ignore[index]
    assert encoder_of(large).ffn[1][0].output.weight.any()  # type: ignore[index]
    assert all(torch.equal(a, b) for a, b in zip(before, outputs(small), strict=True))
    assert len({p.data_ptr() for p in large.parameters()}) == len(list(large.parameters()))


def test_a_deeper_model_applies_a_shared_layer_more_often() -> None:
    small = model_of(num_hidden_groups=2, num_hidden_layers=3)
    large = grown(small, num_hidden_layers=7)
    assert torch.equal(
        torch.cat([p.flatten() for p in large.parameters()]),
        torch.cat([p.flatten() for p in small.parameters()]),
    )
    part = next(part for part in growth_of(small, encoder_of(large).config) if "att" in part.name)
    assert (part.outcome, part.note) == ("kept", "applied at 7 depths, not 3")


@pytest.mark.parametrize(("depth", "sources"), [(3, [0, 1, 2]), (5, [0, 0, 1, 1, 2])])
def test_a_deeper_unshared_model_copies_the_layers_in_proportion(
    depth: int, sources: list[int]
) -> None:
    small = encoder_of(model_of("none", sharing="none", num_hidden_layers=3))
    large = encoder_of(grown(small, num_hidden_layers=depth))
    for half in ("attention", "ffn"):
        for new, old in enumerate(sources):
            mine, theirs = (getattr(m, half)[i] for m, i in ((large, new), (small, old)))
            theirs = theirs.state_dict()
            assert all(torch.equal(t, theirs[name]) for name, t in mine.state_dict().items())


def test_layers_within_a_depth_repeat_in_order_and_may_become_depths() -> None:
    small = model_of(inner_group_num=2, num_hidden_layers=2)
    unrolled = grown(small, inner_group_num=1, num_hidden_layers=4, sharing="none")
    assert same(small, unrolled)
    large = encoder_of(grown(small, inner_group_num=4))
    inner = [block.query.weight for block in large.attention[0]]  # type: ignore[union-attr]
    assert torch.equal(inner[0], inner[1])
    assert torch.equal(inner[2], inner[3])
    assert not torch.equal(inner[1], inner[2])
    with pytest.raises(ConfigError, match=r"attention of group 0\.0 and of group 0\.1 would"):
        grown(small, inner_group_num=1, num_hidden_layers=4)


def test_longer_positions_repeat_the_table_and_fewer_cut_it() -> None:
    small = model_of("none")
    table = encoder_of(small).embeddings.position.weight
    large = encoder_of(grown(small, max_position_embeddings=70)).embeddings.position.weight
    assert torch.equal(large, torch.cat([table, table, table[:6]]))
    cut = encoder_of(grown(small, max_position_embeddings=20))
    assert torch.equal(cut.embeddings.position.weight, table[:20])
    assert same(small, cut)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden_size": 32}, "hidden_size: 32 is asked for, the model has 16: only depth"),
        ({"embedding_size": 4}, "embedding_size: 4"),
        ({"num_attention_heads": 2}, "num_attention_heads: 2"),
        ({"intermediate_size": 64}, "intermediate_size: 64"),
        ({"type_vocab_size": 3}, "type_vocab_size: 3"),
        ({"hidden_act": "relu"}, "hidden_act: relu is asked for, the model has gelu: its weights"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps"),
        ({"vocab_size": 50}, "litebert grow --vocabulary"),
        ({"num_hidden_layers": 3}, "num_hidden_layers: 3 is asked for, the model has 4: models"),
        ({"num_hidden_groups": 1}, "attention of group 0 and of group 1 would become one"),
        (
            {"num_hidden_layers": 6, "num_hidden_groups": 3},
            "in 3 groups: the attention of group 0 and of group 1",
        ),
        ({"num_hidden_groups": 9}, "num_hidden_groups 9 exceeds"),
    ],
)
def test_what_cannot_be_done_is_named_with_its_reason(changes: dict[str, Any], words: str) -> None:
    small = model_of(num_hidden_groups=2)
    before = outputs(small)
    with pytest.raises(ConfigError, match=words):
        grown(small, **changes)
    assert all(torch.equal(a, b) for a, b in zip(before, outputs(small), strict=True))


def test_dropout_is_no_weight_and_may_change() -> None:
    assert same(model_of(), grown(model_of(), hidden_dropout_prob=0.1))


def test_bert_grows_as_bert_where_it_stays_one_and_as_albert_elsewhere(tmp_path: Path) -> None:
    bert = model_of(sharing="none", embedding_size=16, family="bert", num_hidden_layers=1)
    deep = grown(bert, num_hidden_layers=3)
    assert encoder_of(deep).config.family == "bert"
    shared = grown(deep, sharing="all", num_hidden_groups=1)
    assert encoder_of(shared).config.family == "albert"
    assert same(deep, shared)
    for model in (deep, shared):
        save_model(tmp_path / "model", model)
        assert same(model, load_model(tmp_path / "model"))


@pytest.mark.parametrize("head", HEADS)
def test_every_parameter_is_accounted_for(head: Head) -> None:
    small = model_of(head)
    config = grown_config(
        encoder_of(small).config,
        num_hidden_layers=6,
        sharing="attention",
        max_position_embeddings=40,
    )
    parts = growth_of(small, config)
    numbers = sum(part.parameters for part in parts)
    assert numbers == sum(p.numel() for p in grow(small, config).parameters())
    assert {part.name for part in parts if part.outcome == "copied"} == {
        "position embeddings",
        "feed-forward",
    }
    assert all(part.note for part in parts if part.outcome != "kept")


def test_a_grown_model_trains_on_in_the_mode_it_was_in() -> None:
    small = model_of("masked_lm").train()
    large: Any = grown(small, sharing="none")
    assert large.training
    large.masked_lm_logits(large.encoder.encode(IDS, None, LAYOUT).sequence).sum().backward()
    assert all(p.grad is not None for p in large.parameters())


def test_the_configuration_follows_what_is_asked() -> None:
    old = EncoderConfig.preset("albert-base-v2", num_hidden_groups=3)
    assert grown_config(old, sharing="none").num_hidden_groups == 1
    assert grown_config(old, num_hidden_layers=24).num_hidden_groups == 3
    with pytest.raises(ConfigError, match='did you mean "num_hidden_layers"'):
        grown_config(old, num_hidden_layer=3)
