"""How fast this machine trains a model: a few steps and a small evaluation, timed."""

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from litebert.corpus.instances import Instance
from litebert.foundation.memory import peak_memory
from litebert.foundation.randomness import Position
from litebert.pretraining.assembly import Assembly
from litebert.pretraining.trainable import Pretraining
from litebert.training.interruption import Interruption
from litebert.training.step import compute_gradients, update
from litebert.training.stopwatch import Stopwatch

PROBE_SECONDS = 20.0
FEWEST_LAPS = 3


@dataclass(frozen=True)
class Speed:
    """What one process was measured to do, in seconds."""

    instances: int
    """The micro-batch it was measured with."""
    token: float
    """Reading a token, forward and backward."""
    update: float
    """Clipping and the optimiser's update, whatever the batch."""
    evaluated_token: float
    peak: int | None
    """Bytes of memory at most, where the system says so."""


def measure(assembly: Assembly, micro_batch_size: int, seconds: float = PROBE_SECONDS) -> Speed:
    """Train for about `seconds` with micro-batches of this size, or as large as that allows.

    The model is another one after it. A signal waits for the end of its step, as torch can lose
    an exception that is raised within one.
    """
    with Interruption() as interruption:
        probe = _Probe(assembly, interruption)
        try:
            speed = probe.speed(micro_batch_size, seconds)
        except _Stopped:
            speed = None
    if speed is None:
        signal.raise_signal(interruption.signal or signal.SIGINT)
        raise KeyboardInterrupt  # whoever handled the signal did not end the process
    return speed


class _Stopped(Exception):
    """A signal came."""


class _Probe:
    """Steps of one micro-batch each, one after the other through the stream."""

    def __init__(self, assembly: Assembly, interruption: Interruption) -> None:
        self._model = assembly.trainable.model
        self._optimizer = assembly.optimizer
        self._data = assembly.data
        self._made_ahead = assembly.trainable.workers > 0
        self._interruption = interruption
        self._device = next(self._model.parameters()).device
        self._position = Position()

    def speed(self, micro_batch_size: int, seconds: float) -> Speed:
        """Double the micro-batch from one instance on while there is time for it; measure there."""
        began = time.perf_counter()
        self._steps(1, laps=1)  # wakes the threads, and compiles what is compiled
        instances, lap = 1, self._seconds(1)
        while instances < micro_batch_size:
            left = seconds / 2 - (time.perf_counter() - began)
            if 2 * lap * (1 + FEWEST_LAPS) > left:
                break
            instances = min(2 * instances, micro_batch_size)
            lap = self._seconds(instances)
        left = 0.75 * seconds - (time.perf_counter() - began)
        tokens, parts = self._steps(instances, FEWEST_LAPS, left)
        updating = parts.pop("seconds_optimizer")
        if self._made_ahead:  # by processes that the probe does without
            parts.pop("seconds_data")
        token = sum(parts.values()) / tokens
        # A forward pass alone takes about a third of a step; a quarter of the time is for it.
        evaluated = int(seconds / 4 / (token / 3) / tokens * instances)
        evaluated_token = self._evaluation(self._data.heldout[: max(1, evaluated)])
        return Speed(instances, token, updating, evaluated_token, self._peak())

    def _seconds(self, instances: int) -> float:
        """Of one step."""
        return sum(self._steps(instances, laps=1)[1].values())

    def _steps(
        self, instances: int, laps: int, seconds: float = 0.0
    ) -> tuple[float, dict[str, float]]:
        """At least so many steps, and more while there are seconds left: mean tokens and times."""
        trainable = self._trainable(instances, [])
        watch = Stopwatch(self._device)
        began, tokens, made = time.perf_counter(), 0, 0
        while made < laps or time.perf_counter() - began < seconds:
            if self._interruption.signal is not None:
                raise _Stopped
            watch.start()
            batch, self._position = trainable.batch(self._position)
            watch.lap("data")
            outcome = compute_gradients(trainable, batch, 1.0, dropout_seed=0, stopwatch=watch)
            update(self._optimizer, 1e-9)
            watch.lap("optimizer")
            tokens += outcome.tokens
            made += 1
        return tokens / made, watch.read()

    def _evaluation(self, instances: Sequence[Instance]) -> float:
        """Seconds a token of an evaluation."""
        if self._interruption.signal is not None:
            raise _Stopped
        self._model.eval()
        began = time.perf_counter()
        self._trainable(1, instances).evaluate()
        tokens = sum(len(instance.ids) for instance in instances)
        return (time.perf_counter() - began) / tokens

    def _trainable(self, batch_size: int, heldout: Sequence[Instance]) -> Pretraining:
        return Pretraining(
            self._model, self._data.stream, heldout, batch_size, batch_size, self._device
        )

    def _peak(self) -> int | None:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_reserved(self._device)
        return peak_memory()
