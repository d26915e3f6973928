import pytest

from litebert.foundation.errors import ConfigError
from litebert.optim import ScheduleSettings, learning_rate_at, original_schedule


def rates(total: int, **settings: object) -> list[float]:
    parsed = ScheduleSettings.parse({"learning_rate": 1.0, **settings})
    return [learning_rate_at(parsed, step, total) for step in range(total + 2)]


def test_the_original_decays_from_step_zero_and_drops_after_warm_up() -> None:
    expected = [0, 0.25, 0.5, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0, 0]
    assert rates(10, schedule="original", warmup=4) == pytest.approx(expected)


def test_the_original_without_warm_up_starts_at_the_peak() -> None:
    assert original_schedule(0, 0.002, 100, 0) == 0.002
    assert original_schedule(3125, 0.00176, 125_000, 3125) == pytest.approx(0.975 * 0.00176)


def test_linear_rises_to_the_peak_and_falls_to_zero_at_the_end() -> None:
    expected = [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert rates(6, schedule="linear", warmup=2) == pytest.approx(expected)


def test_cosine_is_half_way_down_in_the_middle() -> None:
    values = rates(12, schedule="cosine", warmup=2)
    assert values[2] == 1.0
    assert values[7] == pytest.approx(0.5)
    assert values[12] == pytest.approx(0.0)


def test_constant_is_level_until_its_decay() -> None:
    expected = [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert rates(10, schedule="constant", warmup=2, decay=0.4) == pytest.approx(expected)
    assert rates(10, schedule="constant", warmup=2, decay=4) == pytest.approx(expected)


def test_constant_without_decay_stays_at_the_peak() -> None:
    assert rates(4, schedule="constant", warmup=0, decay=0)[:4] == [1.0] * 4


def test_a_decay_longer_than_what_warm_up_leaves_begins_after_warm_up() -> None:
    expected = [1 / 3, 2 / 3, 1.0, 1.0, 0.5, 0.0, 0.0]
    assert rates(5, schedule="constant", warmup=3, decay=100) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["original", "linear", "cosine", "constant"])
def test_rates_never_leave_zero_to_peak(schedule: str) -> None:
    assert all(0 <= rate <= 1 for rate in rates(37, schedule=schedule, warmup=0.1))


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_no_update_of_a_run_is_wasted_on_a_rate_of_zero(schedule: str) -> None:
    assert all(rate > 0 for rate in rates(20, schedule=schedule, warmup=0.2)[:20])


def test_a_warm_up_as_long_as_the_run_is_refused() -> None:
    with pytest.raises(ConfigError, match="warmup: 10 steps"):
        rates(10, warmup=10)
