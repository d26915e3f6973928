import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import tiny_config
from litebert.foundation.errors import ConfigError
from litebert.tasks.settings import FinetuneSettings

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
