import signal
import threading
import time

import pytest

from litebert.demo.deadline import Deadline
from litebert.training.interruption import Interruption


def wait_for(condition) -> bool:
    """Whether the condition comes true within ten seconds."""
    until = time.monotonic() + 10
    while not (met := condition()) and time.monotonic() < until:
        pass
    return bool(met)


def test_a_run_that_takes_too_long_is_asked_to_end():
    with Deadline(0.01, ready=lambda: True) as deadline, Interruption() as interruption:
        assert wait_for(lambda: interruption.signal)
    assert interruption.signal == signal.SIGINT
    assert deadline.passed


def test_a_run_that_ends_in_time_is_left_alone():
    before = signal.getsignal(signal.SIGINT)
    with Deadline(60, ready=lambda: True) as deadline, Interruption() as interruption:
        pass
    assert interruption.signal is None
    assert not deadline.passed
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_goes_on_until_it_has_something_to_show():
    measured = threading.Event()
    with Deadline(0.01, measured.is_set) as deadline, Interruption() as interruption:
        assert not deadline.passed
        measured.set()
        assert wait_for(lambda: interruption.signal)


def test_a_run_that_ends_in_that_very_moment_is_not_disturbed():
    with Deadline(0.01, ready=lambda: True) as deadline:
        assert wait_for(lambda: deadline.passed)


def test_ctrl_c_acts_as_usual():
    with pytest.raises(KeyboardInterrupt), Deadline(60, ready=lambda: True) as deadline:
        signal.raise_signal(signal.SIGINT)
    assert not deadline.passed


def test_in_another_thread_there_is_no_limit():
    passed = []

    def run() -> None:
        with Deadline(0.0, ready=lambda: True) as deadline:
            passed.append(deadline.passed)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert passed == [False]
