import pytest

from litebert.demo.settings import (
    EPOCHS,
    FEWEST_EPOCHS,
    DemoSettings,
    affordable_epochs,
    finetuning_settings,
    pretraining_seconds,
    pretraining_settings,
)
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


def test_both_know_the_same_positions():
    model = pretraining_settings(minutes=1, seed=1).model.resolve(vocab_size=1000)
    course = finetuning_settings(from_scratch=True, seed=1).course
    assert course.max_length == model.max_position_embeddings


@pytest.mark.parametrize("left", [30.0, 150.0, 450.0])
def test_pretraining_leaves_a_fifth_of_the_time_on_a_slow_machine_too(left):
    seconds, latest = pretraining_seconds(left)
    assert seconds < latest <= 0.8 * left


def test_pretraining_takes_some_seconds_where_the_time_is_up():
    seconds, latest = pretraining_seconds(-10)
    assert 0 < seconds <= latest


def test_fine_tuning_is_as_long_as_the_time_allows():
    longer = [affordable_epochs(left, 0.05, rows=192) for left in range(1, 80)]
    slower = [affordable_epochs(60, step / 1000, rows=192) for step in range(20, 300)]
    assert longer == sorted(longer)
    assert slower == sorted(slower, reverse=True)
    assert (min(longer), max(longer)) == (min(slower), max(slower)) == (FEWEST_EPOCHS, EPOCHS)


def test_a_pair_of_fine_tuning_runs_ends_in_the_time_that_is_left():
    left, step = 50.0, 0.08
    epochs = affordable_epochs(left, step, rows=192)
    assert FEWEST_EPOCHS < epochs < EPOCHS
    assert 2 * epochs * (192 // 16) * step < left


@pytest.mark.parametrize("values", [{"minutes": 0}, {"seeds": 0}, {"minuts": 3}])
def test_what_cannot_be_is_refused(values):
    with pytest.raises(ConfigError):
        DemoSettings.parse(values)
