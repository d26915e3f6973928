import os
import signal

import pytest

from litebert.corpus.workers import in_order
from litebert.foundation.errors import CorpusError, DataError


def slow_square(job: int) -> int:
    return sum(job for _ in range(200_000 if job % 5 == 0 else 1)) and job * job


def die_on_seven(job: int) -> int:
    if job == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def refuse_three(job: int) -> int:
    if job == 3:
        raise DataError("line 3 is bad")
    return job


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_jobs_order(workers):
    assert list(in_order(slow_square, range(40), workers)) == [(n, n * n) for n in range(40)]


@pytest.mark.parametrize("workers", [1, 2])
def test_only_a_few_jobs_are_in_flight(workers):
    made = 0

    def jobs():
        nonlocal made
        for number in range(100):
            made += 1
            yield number

    for done, _ in enumerate(in_order(slow_square, jobs(), workers), start=1):
        assert made - done <= 2 * workers


def test_a_worker_that_dies_ends_the_work_with_a_clear_error():
    with pytest.raises(CorpusError, match="a worker process ended before its time"):
        list(in_order(die_on_seven, range(50), 2))


def test_an_error_in_a_worker_arrives_as_it_is():
    with pytest.raises(DataError, match="line 3 is bad"):
        list(in_order(refuse_three, range(50), 2))
