"""Google's configurations, read and written."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakes import tiny_config
from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import Head
from litebert.foundation.errors import ConfigError, LitebertError, ModelFolderError
from litebert.weights.google_config import (
    fitting_presets,
    google_configuration,
    google_sets,
    preset_config,
    read_google_config,
    stored_groups,
)
from litebert.weights.google_names import google_name, is_transposed
from litebert.weights.names import Family

# As published for albert-base-v2, word for word.
PUBLISHED = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 128,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}
BERT = {
    **{key: PUBLISHED[key] for key in ("hidden_size", "num_hidden_layers", "intermediate_size")},
    "vocab_size": 30522,
    "num_attention_heads": 12,
    "hidden_act": "gelu",
    "type_vocab_size": 2,
    "directionality": "bidi",
    "pooler_fc_size": 768,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "albert_config.json"


def write(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values))
    return path


def test_a_published_configuration_is_its_preset(path: Path) -> None:
    said = read_google_config(write(path, PUBLISHED), "albert")
    assert said.config == EncoderConfig.preset("albert-base-v2")
    assert (said.groups, said.head, said.pooler) == (1, None, True)
    assert said.ignored == (
        *("net_structure_type", "gap_size", "num_memory_blocks", "down_scale_factor"),
    )


def test_what_is_written_has_the_published_keys() -> None:
    written = google_configuration(EncoderConfig.preset("albert-base-v2"), "pretraining", True)
    assert written.pop("litebert") == {"sharing": "all", "num_hidden_groups": 1}
    assert written == PUBLISHED


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("gelu", "gelu"), ("GELU", "gelu"), ("relu", "relu"), ("tanh", "tanh"), (None, "linear")],
)
@pytest.mark.parametrize("family", ["albert", "bert"])
def test_gelu_means_tanh_in_googles_files(
    theirs: str | None, ours: str, family: Family, path: Path
) -> None:
    values = {**(PUBLISHED if family == "albert" else BERT), "hidden_act": theirs}
    assert read_google_config(write(path, values), family).config.hidden_act == ours


def test_hugging_faces_file_keeps_its_own_words(path: Path) -> None:
    values = {**PUBLISHED, "model_type": "albert", "hidden_act": "gelu"}
    assert read_google_config(write(path, values), "albert").config.hidden_act == "gelu_erf"


def test_berts_configuration_is_an_encoder_without_sharing(path: Path) -> None:
    said = read_google_config(write(path, BERT), "bert")
    assert said.config == EncoderConfig.preset("bert-base", vocab_size=30522)
    assert said.groups == 12
    assert said.ignored == ("directionality", "pooler_fc_size")


CONFIGS = [
    *(EncoderConfig.preset(name) for name in PRESETS),
    *(tiny_config(sharing=sharing) for sharing in ("attention", "ffn", "none")),
    tiny_config(num_hidden_layers=6, num_hidden_groups=2, sharing="attention", inner_group_num=2),
    tiny_config(num_hidden_layers=18, num_hidden_groups=14),
    tiny_config(num_hidden_layers=22, num_hidden_groups=22),
    tiny_config(num_hidden_layers=22, sharing="none"),
    tiny_config(hidden_act="gelu_erf", classifier_dropout_prob=0.3, layer_norm_eps=1e-6),
    tiny_config(hidden_act="relu", embedding_size=16),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_every_configuration_survives_the_way(config: EncoderConfig, path: Path) -> None:
    heads: list[Head] = ["pretraining", "none", "choice", "tagging", "answerable_span"]
    for head in heads:
        written = google_configuration(config, head, head != "none")
        said = read_google_config(write(path, written), config.family)
        assert said.config == config
        assert said.groups == stored_groups(config)
        assert said.pooler == (head != "none")
        assert said.head == (head if head in ("none", "choice", "tagging") else None)


@pytest.mark.parametrize("config", [c for c in CONFIGS if c.hidden_size == 16])
def test_each_depth_finds_its_sets_where_google_looks(config: EncoderConfig) -> None:
    encoder = Encoder(config)
    groups = stored_groups(config)
    sets = google_sets(encoder, groups, "here")
    L = config.num_hidden_layers
    for depth in range(L):
        found = sets[int(depth / L * groups)]
        assert found == {"attention": encoder.attention_set(depth), "ffn": encoder.ffn_set(depth)}


def test_groups_that_cannot_hold_the_layers_are_refused() -> None:
    with pytest.raises(ModelFolderError, match="2 groups cannot hold what 4 layers do not share"):
        google_sets(Encoder(tiny_config(sharing="none")), 2, "here")


GROUPS = {"sharing": "ffn", "num_hidden_groups": 1}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "no JSON object"),
        ({**PUBLISHED, "litebert": 3}, "must be an object"),
        ({**PUBLISHED, "litebert": {"head": "tail"}}, "'tail' is none of"),
        ({**PUBLISHED, "litebert": {"head": ["span"]}}, "is none of"),
        ({**PUBLISHED, "litebert": {"sharing": "some"}}, "sharing"),
        ({**PUBLISHED, "litebert": {"colour": 1}}, "unknown key"),
        ({**PUBLISHED, "hidden_act": "swish"}, "swish"),
        ({**PUBLISHED, "num_attention_heads": 7}, "multiple"),
        ({**PUBLISHED, "num_hidden_groups": 13}, "exceeds"),
        ({**PUBLISHED, "num_hidden_groups": "many"}, "num_hidden_groups"),
        ({**PUBLISHED, "num_hidden_groups": 0, "litebert": GROUPS}, "0 is no number"),
        ({**PUBLISHED, "num_hidden_groups": [], "litebert": GROUPS}, "no number"),
        ({**PUBLISHED, "num_hidden_layers": 1 << 30}, "no size a model can have"),
        ({**PUBLISHED, "vocab_size": None}, "vocab_size"),
        ({"vocab_size": 3}, "hidden_size is missing"),
    ],
)
def test_a_wrong_configuration_is_a_typed_error(values: Any, words: str, path: Path) -> None:
    with pytest.raises(LitebertError, match=words):
        read_google_config(write(path, values), "albert")


def test_presets_are_found_by_shapes() -> None:
    config = EncoderConfig.preset("albert-xlarge-v1")
    E, H, F = config.embedding_size, config.hidden_size, config.intermediate_size
    shapes = {
        "encoder.embeddings.word.weight": (30000, E),
        "encoder.embeddings.position.weight": (512, E),
        "encoder.embeddings.token_type.weight": (2, E),
        "encoder.ffn.0.0.intermediate.weight": (F, H),
    }
    theirs = {
        google_name(ours, "albert"): shape[::-1] if is_transposed(ours) else shape
        for ours, shape in shapes.items()
    }
    assert fitting_presets(theirs, "albert") == ["albert-xlarge-v1", "albert-xlarge-v2"]
    assert (
        fitting_presets({**theirs, "bert/embeddings/word_embeddings": (21128, E)}, "albert") == []
    )
    assert fitting_presets(theirs, "bert") == []


def test_a_preset_of_another_family_or_name_is_refused() -> None:
    assert preset_config("bert-base", "bert").groups == 12
    with pytest.raises(ConfigError, match="preset bert-base is BERT"):
        preset_config("bert-base", "albert")
    with pytest.raises(ConfigError, match='did you mean "albert-base-v2"'):
        preset_config("albert-base-2", "albert")
