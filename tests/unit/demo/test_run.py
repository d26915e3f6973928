from pathlib import Path

import pytest

from litebert.demo.run import recent_step_seconds
from litebert.training.journal import Journal


def record(folder: Path, laps: list[float]) -> None:
    """A run that logs every tenth step, each of which took as long as its lap says."""
    seconds = 0.0
    for number, lap in enumerate(laps, start=1):
        seconds += 10 * lap
        Journal(folder).record("train", 10 * number, {"seconds": seconds})


def test_the_pace_is_that_of_the_last_steps(tmp_path):
    record(tmp_path, [0.02] * 50 + [0.03] * 50)
    assert recent_step_seconds(tmp_path) == pytest.approx(0.03)


@pytest.mark.parametrize("lines", range(1, 8))
def test_a_short_run_has_a_pace_too(tmp_path, lines):
    record(tmp_path, [0.02] * lines)
    assert recent_step_seconds(tmp_path) == pytest.approx(0.02)
