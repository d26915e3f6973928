from typing import Any

import pytest

from fakes import tiny_config
from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.foundation.errors import ModelFolderError
from litebert.weights.configuration import read_configuration, read_labels, write_configuration


def written(config: EncoderConfig, groups: int = 1) -> dict[str, Any]:
    return write_configuration(config, groups, "pretraining")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_back_as_it_was(name: str) -> None:
    config = EncoderConfig.preset(name)
    assert read_configuration(written(config), "config.json") == config


@pytest.mark.parametrize("sharing", ["all", "attention", "ffn", "none"])
def test_sharing_and_groups_are_read_back(sharing: str) -> None:
    config = tiny_config(sharing=sharing, num_hidden_groups=2)
    assert read_configuration(written(config, groups=4), "config.json") == config


def test_the_tanh_gelu_is_called_what_transformers_calls_it() -> None:
    assert written(tiny_config())["hidden_act"] == "gelu_new"
    assert written(tiny_config(hidden_act="gelu_erf"))["hidden_act"] == "gelu"


def test_labels_are_named_both_ways() -> None:
    values = write_configuration(tiny_config(), 1, "classification", ["no", "yes"])
    assert values["id2label"] == {"0": "no", "1": "yes"}
    assert values["label2id"] == {"no": 0, "yes": 1}
    assert read_labels(values, 2) == ["no", "yes"]
    assert read_labels({}, 2) == ["LABEL_0", "LABEL_1"]


def test_a_foreign_file_with_a_group_for_every_layer_shares_nothing() -> None:
    foreign = written(tiny_config(), groups=4)
    del foreign["litebert"]
    assert read_configuration(foreign, "config.json").sharing == "none"


def test_keys_that_do_not_concern_the_encoder_are_passed_over() -> None:
    foreign = {**written(tiny_config()), "gap_size": 0, "net_structure_type": 0, "dtype": "float32"}
    assert read_configuration(foreign, "config.json") == tiny_config()


def test_berts_classifier_dropout_falls_back_to_its_hidden_dropout() -> None:
    bert = tiny_config(family="bert", sharing="none", embedding_size=16, hidden_dropout_prob=0.2)
    foreign = {**written(bert), "classifier_dropout": None}
    assert read_configuration(foreign, "config.json").classifier_dropout_prob == 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "model_type 'gpt2'"),
        ({"model_type": ["albert"]}, "model_type"),
        ({"hidden_act": "silu"}, "hidden_act 'silu'"),
        ({"hidden_act": ["gelu"]}, "hidden_act"),
        ({"hidden_size": "wide"}, "hidden_size"),
        ({"hidden_size": 1e30}, "hidden_size"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"num_attention_heads": 5}, "multiple"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"litebert": {"sharing": "al"}}, "sharing"),
        ({"litebert": {"tie": 1}}, "tie"),
        ({"litebert": 3}, "litebert"),
    ],
)
def test_what_cannot_be_computed_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFolderError, match=message) as caught:
        read_configuration({**written(tiny_config()), **change}, "model/config.json")
    assert "model/config.json" in str(caught.value)


def test_a_missing_field_and_a_list_are_refused() -> None:
    values = written(tiny_config())
    del values["hidden_size"]
    with pytest.raises(ModelFolderError, match="hidden_size is missing"):
        read_configuration(values, "config.json")
    with pytest.raises(ModelFolderError, match="no JSON object"):
        read_configuration([values], "config.json")


def test_groups_that_transformers_divides_otherwise_cannot_be_read_from_its_folder() -> None:
    foreign = written(tiny_config(num_hidden_layers=18, num_hidden_groups=14), groups=14)
    del foreign["litebert"]
    with pytest.raises(ModelFolderError, match="14 groups over 18 layers"):
        read_configuration(foreign, "config.json")
