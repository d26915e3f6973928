"""The probe of --minutes can be interrupted, whatever the libraries below it make of that."""

import contextlib
import signal

import pytest

from litebert.foundation.randomness import Position
from litebert.optim import build_optimizer
from litebert.training.budget import measure_pace
from litebert.training.step import MicroBatch
from regression import Regression


class Deaf(Regression):
    """Loses what a signal raises in its second step, as torch's inner calls may."""

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        if self.served:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        return super().batch(position)


def test_an_interruption_of_the_probe_is_never_lost() -> None:
    trainable = Deaf()
    optimizer = build_optimizer("adamw", trainable.model.named_parameters(), 0.1)
    with pytest.raises(KeyboardInterrupt):
        measure_pace(trainable, optimizer, seconds=0.0)
    assert len(trainable.served) == 2 * trainable.batch_size
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
