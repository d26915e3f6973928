"""The paper's Table 1 and Table 4, counted on the meta device."""

import pytest

from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.counts import count_parameters
from litebert.foundation.errors import ConfigError

# official_albert: (backbone with pooler, with both heads); BERT: (encoder, with pooler)
ALBERT = {
    "base": (11_683_584, 11_813_810),
    "large": (17_683_968, 17_847_474),
    "xlarge": (58_724_864, 59_021_490),
    "xxlarge": (222_595_584, 223_158_450),
}
BERT = {
    "bert-base": (108_490_752, 109_081_344),
    "bert-large": (333_557_760, 334_607_360),
    "bert-xlarge": (1_271_095_296, 1_275_291_648),
}
TABLE_4 = {  # E, sharing: millions
    (768, "all"): 31, (768, "attention"): 83, (768, "ffn"): 57, (768, "none"): 108,
    (128, "all"): 12, (128, "attention"): 64, (128, "ffn"): 38, (128, "none"): 89,
}  # fmt: skip


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("size", ALBERT)
def test_albert_presets_have_the_published_counts(size: str, version: str) -> None:
    counts = count_parameters(EncoderConfig.preset(f"albert-{size}-{version}"))
    assert (counts.backbone, counts.pretraining) == ALBERT[size]


@pytest.mark.parametrize("name", BERT)
def test_bert_presets_have_the_published_counts(name: str) -> None:
    counts = count_parameters(EncoderConfig.preset(name))
    assert (counts.encoder, counts.backbone) == BERT[name]


@pytest.mark.parametrize(("width", "sharing"), TABLE_4)
def test_sharing_strategies_have_the_counts_of_table_4(width: int, sharing: str) -> None:
    config = EncoderConfig.preset("albert-base-v2", embedding_size=width, sharing=sharing)
    millions = count_parameters(config).backbone / 1e6
    assert millions == pytest.approx(TABLE_4[width, sharing], abs=1.1)


def test_presets_are_complete_and_known_by_exact_name() -> None:
    fields = set(EncoderConfig.model_fields) - {"classifier_dropout_prob"}
    assert all(set(preset) == fields for preset in PRESETS.values())
    with pytest.raises(ConfigError, match='did you mean "albert-base-v2"'):
        EncoderConfig.preset("albert-base-v3")
    with pytest.raises(ConfigError, match='did you mean "hidden_size"'):
        EncoderConfig.preset("albert-base-v2", hiden_size=3)
    with pytest.raises(ConfigError, match="not a multiple of"):
        EncoderConfig.preset("albert-base-v2", num_attention_heads=7)
