"""Patience grows with depth, falls with large batches, and leaves healthy runs their time."""

import pytest

from litebert.pretraining.expectations import expectations
from litebert.pretraining.settings import PretrainingSettings
from litebert.training.watch import Expectation, Watch, WatchSettings, WatchState


def expected(
    depths: int = 3,
    batch_size: int = 16,
    max_length: int = 64,
    plateau: float = 6.3,
    **sections: object,
) -> list[Expectation]:
    settings = PretrainingSettings.parse(
        {
            "training": {"batch_size": batch_size},
            "data": {"max_length": max_length},
            "schedule": {"warmup": 0},
            **sections,
        }
    )
    resolved = {
        "total_steps": 10_000,
        "unigram_loss": plateau,
        "config": {"num_hidden_layers": depths},
    }
    return expectations(settings, resolved)


def updates(depths: int, batch_size: int, max_length: int) -> float:
    return expected(depths, batch_size, max_length)[0].patience / (batch_size * max_length)


def test_patience_is_scaled_to_model_and_batch() -> None:
    assert updates(2, 16, 64) == updates(1, 16, 64) == 1500
    assert updates(12, 16, 64) == 7200
    assert updates(3, 16, 128) == updates(3, 16, 64)
    assert updates(3, 4096, 512) < updates(3, 256, 512) < updates(3, 16, 128)
    warm = expected(schedule={"warmup": 1000})[0].patience
    assert warm == expected()[0].patience + 1000 * 16 * 64
    short = {"max_length": 64, "short_start": 0.15}
    assert expected(data=short)[0].patience == expected()[0].patience + 1500 * 16 * 64
    assert expected(data=short, schedule={"warmup": 900}) == expected(data=short)


# Held-out masked-LM losses and sentence-order accuracies of runs on documentation and on books:
# (steps, loss, accuracy), 16 instances of 64 tokens.
HEALTHY = {
    "H 128, 3 depths": (
        6.254,
        [
            *[(250, 6.257, 0.502), (500, 6.073, 0.498), (1000, 5.915, 0.498), (2000, 5.816, 0.488)],
            *[(2500, 5.782, 0.550), (2750, 5.757, 0.569), (5000, 5.568, 0.555)],
        ],
    ),
    "H 256, 3 depths": (
        6.445,
        [
            *[(562, 6.366, 0.518), (1124, 6.235, 0.521), (1686, 6.151, 0.506)],
            *[(2248, 6.126, 0.577), (3372, 6.081, 0.506), (6744, 5.965, 0.618)],
        ],
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs_are_not_warned(name: str) -> None:
    plateau, course = HEALTHY[name]
    assert warnings(plateau, course) == []


def test_a_run_at_the_plateau_is_warned_with_likely_causes() -> None:
    stuck = [(step, 6.262, 0.5) for step in range(250, 5000, 250)]
    (text,) = warnings(6.254, stuck, optimizer={"optimizer": "lamb"})
    assert "learnt no more than the pieces' frequencies" in text
    assert "lamb has no bias correction" in text
    assert "a learning rate of 0.0005" in text


def test_order_at_chance_is_warned_of_much_later() -> None:
    course = [(step, 5.0, 0.5) for step in range(500, 20_000, 500)]
    (text,) = warnings(6.254, course)
    assert "at chance" in text
    assert warnings(6.254, course, data={"sentence_objective": "none", "max_length": 64}) == []


def warnings(
    plateau: float, course: list[tuple[int, float, float]], **sections: object
) -> list[str]:
    watch = Watch(WatchSettings(), expected(plateau=plateau, **sections))
    state, found = WatchState(), []
    for step, loss, accuracy in course:
        metrics = {"masked_lm_loss": loss, "sentence_order_accuracy": accuracy}
        state, alarms = watch.expect(state, step, step * 16 * 55, metrics)
        found += [alarm.text for alarm in alarms]
    return found
