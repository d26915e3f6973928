"""Runs that are killed, stopped, moved and starved end as if nothing had happened (R1 to R6)."""

import signal
from pathlib import Path

import pytest

from interrupted import (
    Whole,
    fill_the_disk,
    kill_and_resume,
    lose_a_rank,
    move_between_numbers,
    terminate_and_resume,
    writers_of_a_run,
)
from saves import crash_in_saves

PARTS = 4  # of a test that tries every place, so that several processes share it


@pytest.mark.cases(ci=10, nightly=500)
def test_r1_a_killed_run_ends_with_the_same_bytes(whole: Whole, tmp_path: Path, case: int) -> None:
    kill_and_resume(whole, tmp_path / "run", case)


@pytest.mark.parametrize("part", range(PARTS))
def test_r2_a_save_killed_at_any_point_leaves_a_whole_checkpoint(tmp_path: Path, part: int) -> None:
    assert crash_in_saves(tmp_path, first=1 + part, stride=PARTS) > 40 / PARTS


@pytest.mark.cases(ci=5, nightly=100)
def test_r3_a_terminated_run_saves_and_goes_on(whole: Whole, tmp_path: Path, case: int) -> None:
    terminate_and_resume(whole, tmp_path / "run", case)


@pytest.mark.cases(ci=3, nightly=50)
def test_r4_a_run_moves_from_one_process_to_two_and_back(
    whole_without_dropout: Whole, tmp_path: Path, case: int
) -> None:
    move_between_numbers(whole_without_dropout, tmp_path / "run", case)


@pytest.mark.cases(ci=3, nightly=100)
def test_r5_a_lost_process_ends_the_other_and_both_resume(
    whole_of_two: Whole, tmp_path: Path, case: int
) -> None:
    how = signal.SIGSTOP if case % 10 == 2 else signal.SIGKILL
    lose_a_rank(whole_of_two, tmp_path / "run", case, how)


@pytest.mark.parametrize("part", range(PARTS))
def test_r6_a_disk_that_is_full_at_any_writer_spoils_nothing(
    whole: Whole, tmp_path: Path, part: int
) -> None:
    places = writers_of_a_run(whole, tmp_path / "counted")
    assert len(places) > 12
    for number, place in enumerate(places[part::PARTS]):
        fill_the_disk(whole, tmp_path / f"run-{number}", place)
