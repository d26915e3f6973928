import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import tiny_config
from litebert.foundation.errors import ConfigError
from litebert.tasks.presets import Preset
from litebert.tasks.settings import FinetuneSettings, learning_rate_for

CONFIG = tiny_config(max_position_embeddings=128)


def resolved(rows: int = 100, **sections: dict[str, object]) -> FinetuneSettings:
    return FinetuneSettings.parse(sections).resolved(CONFIG, rows, fitted_length=64)


def test_what_is_given_is_kept():
    settings = resolved(
        course={"epochs": 2, "max_length": 100},
        schedule={"learning_rate": 0.001},
        training={"batch_size": 32, "evaluate_every": 7},
    )
    assert (settings.course.epochs, settings.course.max_length) == (2, 100)
    assert settings.schedule.learning_rate == 0.001
    assert (settings.training.batch_size, settings.training.evaluate_every) == (32, 7)


@pytest.mark.parametrize(
    ("width", "rate"), [(16, 3e-4), (256, 2e-4), (768, 3e-5), (1024, 2e-5), (4096, 1e-5)]
)
def test_wider_models_get_lower_learning_rates(width: int, rate: float):
    config = tiny_config(hidden_size=width)
    settings = FinetuneSettings().resolved(config, 100, fitted_length=32)
    assert settings.schedule.learning_rate == rate


@pytest.mark.parametrize(
    ("rows", "batch", "epochs", "every"),
    [(10, 16, 20, 1), (200, 16, 20, 13), (3_000, 32, 15, 94), (67_349, 32, 3, 1053)],
)
def test_smaller_tables_get_smaller_batches_and_more_epochs(
    rows: int, batch: int, epochs: int, every: int
):
    settings = resolved(rows)
    assert settings.training.batch_size == batch
    assert settings.course.epochs == epochs
    assert settings.training.evaluate_every == every


@given(st.integers(1, 10_000), st.integers(1, 100), st.integers(1, 30))
def test_every_run_evaluates_at_least_once_an_epoch(rows: int, batch: int, epochs: int):
    settings = resolved(rows, course={"epochs": epochs}, training={"batch_size": batch})
    assert 1 <= settings.training.evaluate_every <= -(-rows // batch)


def test_resolving_twice_changes_nothing():
    once = resolved(500)
    assert once.resolved(CONFIG, 500, fitted_length=64) == once
    stored = FinetuneSettings.parse(once.model_dump(exclude_none=True))
    assert stored.resolved(CONFIG, 500, fitted_length=64) == once


def test_a_length_beyond_the_model_is_refused():
    with pytest.raises(ConfigError, match="max_length: 129 exceeds the 128 tokens the model takes"):
        resolved(course={"max_length": 129})


PRESET = Preset(5e-5, 128, 0.1, 0.05, 1400, 140, 512)


def preset(rows: int = 10_000, **sections: dict[str, object]) -> FinetuneSettings:
    settings = FinetuneSettings.parse(sections)
    return settings.resolved(CONFIG, rows, fitted_length=128, metric="f1", preset=PRESET)


def test_a_preset_goes_before_what_is_fitted_to_the_table():
    settings = preset()
    course = settings.course
    assert (course.steps, course.epochs, settings.training.batch_size) == (1400, None, 128)
    assert (course.encoder_dropout, course.classifier_dropout) == (0.1, 0.05)
    assert (course.max_length, course.metric, settings.schedule.warmup) == (128, "f1", 0.1)


def test_what_is_given_replaces_the_preset():
    settings = preset(
        course={"epochs": 2, "encoder_dropout": 0.0, "metric": "accuracy"},
        schedule={"warmup": 7, "learning_rate": 1e-6},
    )
    assert (settings.course.steps, settings.course.epochs) == (None, 2)
    assert (settings.course.encoder_dropout, settings.course.metric) == (0.0, "accuracy")
    assert (settings.schedule.warmup, settings.schedule.learning_rate) == (7, 1e-6)


def test_smaller_batches_make_more_steps_of_a_preset():
    assert preset(training={"batch_size": 32}).course.steps == 5600


@pytest.mark.parametrize(("width", "rate"), [(128, 3e-4), (768, 5e-5), (4096, 5e-5)])
def test_small_models_take_their_own_rate_where_it_is_higher(width: int, rate: float):
    assert learning_rate_for(width, PRESET) == rate


def test_a_preset_resolves_to_the_same_twice():
    once = preset()
    stored = FinetuneSettings.parse(once.model_dump(exclude_none=True))
    again = stored.resolved(CONFIG, 10_000, 128, "f1", PRESET)
    assert again.model_dump(exclude_none=True) == once.model_dump(exclude_none=True)


def test_steps_and_epochs_exclude_each_other():
    with pytest.raises(ConfigError, match="both given"):
        preset(course={"steps": 1, "epochs": 1})


def test_a_short_run_of_steps_evaluates_several_times():
    assert preset(rows=1_000_000, course={"steps": 50}).training.evaluate_every == 10
