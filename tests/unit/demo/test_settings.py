import pytest

from litebert.demo.settings import DemoSettings, finetuning_settings, pretraining_settings
from litebert.foundation.errors import ConfigError


def test_the_demos_own_choices_are_settings_that_exist():
    pretraining = pretraining_settings(minutes=2.5, seed=7)
    assert pretraining.budget.minutes == 2.5
    assert pretraining.training.seed == 7
    config = pretraining.model.resolve(vocab_size=1000)
    assert pretraining.data.max_length <= config.max_position_embeddings


def test_only_the_start_differs_between_the_two_fine_tuning_runs():
    scratch = finetuning_settings(from_scratch=True, seed=2).model_dump()
    pretrained = finetuning_settings(from_scratch=False, seed=2).model_dump()
    assert scratch["course"].pop("from_scratch") is True
    assert pretrained["course"].pop("from_scratch") is False
    assert scratch == pretrained


@pytest.mark.parametrize("values", [{"minutes": 0}, {"seeds": 0}, {"minuts": 3}])
def test_what_cannot_be_is_refused(values):
    with pytest.raises(ConfigError):
        DemoSettings.parse(values)
