"""The first signal is remembered, the second acts as usual, and all is put back at the end."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from litebert.training.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_remembered(number: int) -> None:
    before = signal.getsignal(number)
    with Interruption() as interruption:
        assert interruption.signal is None
        os.kill(os.getpid(), number)
        assert interruption.signal == number
        assert signal.getsignal(number) == before  # so that a second one acts as usual
    assert signal.getsignal(number) == before


def test_a_second_interrupt_ends_at_once() -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert interruption.signal == signal.SIGINT


def test_without_a_signal_the_handlers_are_put_back_even_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), Interruption():
        assert signal.getsignal(signal.SIGTERM) != before
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_can_train_too() -> None:
    def enter() -> int | None:
        with Interruption() as interruption:
            return interruption.signal

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(enter).result() is None
