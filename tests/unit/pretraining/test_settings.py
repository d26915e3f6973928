"""A model by preset or by sizes, always with the corpus's vocabulary."""

import pytest

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.pretraining.settings import DEFAULT_SIZES, ModelSettings, PretrainingSettings


def test_what_is_not_given_follows_from_the_width() -> None:
    config = ModelSettings(hidden_size=512).resolve(9000)
    assert (config.vocab_size, config.embedding_size) == (9000, 128)
    assert (config.num_attention_heads, config.intermediate_size) == (8, 2048)
    assert config.num_hidden_layers == DEFAULT_SIZES["num_hidden_layers"]
    narrow = ModelSettings(hidden_size=32).resolve(100)
    assert (narrow.embedding_size, narrow.num_attention_heads) == (32, 1)


def test_a_preset_is_taken_as_published_but_for_what_is_given() -> None:
    config = ModelSettings(preset="albert-xlarge-v2", num_hidden_layers=2).resolve(9000)
    expected = EncoderConfig.preset("albert-xlarge-v2", vocab_size=9000, num_hidden_layers=2)
    assert config == expected


def test_the_vocabulary_is_the_corpus() -> None:
    with pytest.raises(ConfigError, match=r"vocab_size: 30000 is asked for, but .* has 9000"):
        ModelSettings(vocab_size=30000).resolve(9000)


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match='did you mean "albert-base-v2"'):
        ModelSettings(preset="albert-base-v3").resolve(9000)
    with pytest.raises(ConfigError, match="hidden_size 100 is not a multiple"):
        ModelSettings(hidden_size=100, num_attention_heads=3).resolve(9000)
    with pytest.raises(ConfigError, match=r'unknown key "training\.batchsize".*batch_size'):
        PretrainingSettings.parse({"training": {"batchsize": 3}})
