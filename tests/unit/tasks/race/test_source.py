import pytest

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.tasks.race.data import PRESET, PRESET_V2
from litebert.tasks.race.source import NamedRace, race_preset
from litebert.tasks.settings import FinetuneSettings

RATES = {
    "albert-base-v1": 3e-5,  # what base bears is more than xxlarge's
    "albert-xlarge-v1": 2e-5,
    "albert-base-v2": 1e-5,
    "albert-large-v2": 1e-5,
    "albert-xxlarge-v2": 1e-5,
}


@pytest.mark.parametrize(("name", "rate"), RATES.items())
def test_the_second_version_takes_its_own_rate_and_no_dropout_at_every_size(name, rate):
    config = EncoderConfig.preset(name)
    preset = race_preset(config)
    assert preset == (PRESET_V2 if name.endswith("v2") else PRESET)
    settings = FinetuneSettings().resolved(config, 87_866, 512, preset=preset)
    assert settings.schedule.learning_rate == rate
    assert settings.course.encoder_dropout == (0.0 if name.endswith("v2") else 0.1)
    assert settings.course.classifier_dropout == 0.1
    assert (settings.course.steps, settings.training.batch_size) == (12000, 32)


def test_a_small_model_takes_the_rate_of_its_width():
    config = EncoderConfig(hidden_size=128, num_attention_heads=4, hidden_dropout_prob=0.0)
    settings = FinetuneSettings().resolved(config, 1000, 512, preset=PRESET_V2)
    assert settings.schedule.learning_rate == 3e-4


def test_a_file_to_validate_on_has_no_place(tmp_path):
    with pytest.raises(ConfigError, match="validated on its own development set"):
        NamedRace().source(tmp_path, tmp_path / "dev.csv")
