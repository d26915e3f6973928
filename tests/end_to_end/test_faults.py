"""A few of each of the faults that `make soak` makes in numbers (docs/reliability.md)."""

from pathlib import Path

import pytest

from interrupted import (
    Whole,
    fill_the_disk,
    kill_and_resume,
    left_alone,
    lose_a_rank,
    move_between_numbers,
    writers_of_a_run,
)
from small_runs import stories_corpus


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stories_corpus(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def whole(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run that was left alone."""
    return left_alone(stories, tmp_path_factory.mktemp("whole") / "run", dropout=False)


def test_a_killed_run_ends_with_the_same_bytes(whole: Whole, tmp_path: Path) -> None:
    kill_and_resume(whole, tmp_path / "run", seed=3)


def test_a_run_moves_from_one_process_to_two_and_back(whole: Whole, tmp_path: Path) -> None:
    move_between_numbers(whole, tmp_path / "run", seed=3)


def test_a_lost_process_ends_the_other_and_both_resume(stories: Path, tmp_path: Path) -> None:
    whole = left_alone(stories, tmp_path / "two", processes=2)
    lose_a_rank(whole, tmp_path / "run", seed=3)


def test_a_full_disk_spoils_nothing(whole: Whole, tmp_path: Path) -> None:
    places = writers_of_a_run(whole, tmp_path / "counted")
    checkpoint = next(place for place in places if place[0] == "serialize_file")
    fill_the_disk(whole, tmp_path / "run", checkpoint)
