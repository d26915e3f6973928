"""What a pretraining run will take, before it is paid for: memory, disk, time, learning rate."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch

from litebert.corpus.instances import Instance
from litebert.corpus.shards import Corpus
from litebert.encoder.config import EncoderConfig
from litebert.encoder.counts import ParameterCounts, count_parameters
from litebert.foundation.memory import available_memory, resident_memory
from litebert.foundation.randomness import Position
from litebert.optim import learning_rate_at
from litebert.pretraining.assembly import (
    Data,
    assemble,
    micro_batch_size,
    open_data,
    resolve_config,
)
from litebert.pretraining.footprint import Footprint, Tracer
from litebert.pretraining.probe import PROBE_SECONDS, Speed, measure
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.trainable import EVALUATION_TOKENS
from litebert.training.budget import Pace, steps_within
from litebert.training.loop import EVALUATIONS
from litebert.training.machine import MachineSettings, apply_machine, resolve_machine

PUBLISHED_RATE, PUBLISHED_BATCH = 0.00176, 4096  # LAMB's, in the paper and its README
MEMORY_SHARE = 0.95  # of what is available: something else may want some too
SAMPLE = 256  # instances whose length is measured


@dataclass(frozen=True)
class Memory:
    """What one process takes, how many there are, and what they may take together, in bytes."""

    footprint: Footprint
    processes: int
    available: int | None
    """On this machine, or on the GPU; None where the system does not say."""

    @property
    def needed(self) -> int:
        """Of all processes together."""
        return self.processes * self.footprint.total

    @property
    def fits(self) -> bool:
        """Whether it is available, as far as that is known."""
        return self.available is None or self.needed <= MEMORY_SHARE * self.available


@dataclass(frozen=True)
class Disk:
    """Bytes on the disk."""

    corpus: int
    checkpoint: int
    checkpoints: int
    """How many there are at most, one being written."""
    model: int
    free: int
    """Where the run would be written."""

    @property
    def needed(self) -> int:
        """What the run will write."""
        return self.checkpoint * self.checkpoints + self.model


@dataclass(frozen=True)
class Course:
    """How long the run is: in steps, tokens, passes over the corpus, and time."""

    steps: int
    tokens: float
    epochs: float
    seconds: float


@dataclass(frozen=True)
class Plan:
    """Everything that can be said of a run before it begins."""

    config: EncoderConfig
    parameters: ParameterCounts
    machine: MachineSettings
    processes: int
    micro_batch_size: int
    """Instances that go through the model at once in each process."""
    memory: Memory
    smaller: int | None
    """A micro-batch that fits, where the one asked for does not; None where not even one does."""
    disk: Disk
    step_tokens: float
    epoch_tokens: float
    speed: Speed | None
    """None where nothing fits that could be measured."""
    pace: Pace | None
    """Seconds of a step and of an evaluation, of all processes together."""
    course: Course | None
    """None without a budget or a speed."""


def plan(
    corpus_folder: Path,
    settings: PretrainingSettings,
    output: Path = Path(),
    seconds: float = PROBE_SECONDS,
    available: int | None = None,
) -> Plan:
    """Work out what a run with these settings takes on this machine; nothing is written.

    `output`: where the run would be written. `seconds`: for how long to measure. `available`: bytes
    of memory to reckon with, instead of what there is. Raises ConfigError or CorpusError as the run
    itself would.
    """
    corpus = Corpus.open(corpus_folder)
    config, data = resolve_config(corpus, settings), open_data(corpus, settings)
    processes = settings.machine.processes
    length = mean(len(instance.ids) for instance in data.stream.take(Position(), SAMPLE)[0])
    step_tokens = length * settings.training.batch_size
    _asked_steps(settings, step_tokens)  # refuses a schedule that does not fit
    machine = resolve_machine(settings.machine, processes)
    micro = micro_batch_size(settings, machine.device, processes)
    estimate = MemoryEstimate(config, data, settings, machine, available)
    memory = estimate.memory(micro)
    smaller = None if memory.fits else estimate.largest_that_fits(micro)
    speed = pace = None
    possible = micro if memory.fits else smaller
    if possible is not None:
        speed = measure(assemble(config, data, settings, machine), possible, seconds)
        heldout = sum(len(instance.ids) for instance in data.heldout)
        pace = Pace(
            step_tokens * speed.token / processes + speed.update,
            heldout * speed.evaluated_token / processes,
        )
    epoch_tokens = length * data.stream.epoch_size(0)
    return Plan(
        config=config,
        parameters=count_parameters(config),
        machine=machine,
        processes=processes,
        micro_batch_size=micro,
        memory=memory,
        smaller=smaller,
        disk=_disk(corpus_folder, output, settings, memory.footprint),
        step_tokens=step_tokens,
        epoch_tokens=epoch_tokens,
        speed=speed,
        pace=pace,
        course=_course(settings, pace, step_tokens, epoch_tokens),
    )


def published_rate(batch_size: int) -> float:
    """LAMB's learning rate for a batch: the published one, scaled by the root of the batch."""
    return PUBLISHED_RATE * math.sqrt(batch_size / PUBLISHED_BATCH)


class MemoryEstimate:
    """The memory that a run takes with micro-batches of any size, traced.

    `available`: bytes to reckon with instead of those that this machine has.
    """

    def __init__(
        self,
        config: EncoderConfig,
        data: Data,
        settings: PretrainingSettings,
        machine: MachineSettings,
        available: int | None = None,
    ) -> None:
        device, dtype = apply_machine(machine)
        self._data = data
        self._settings = settings
        self._on_gpu = device.type == "cuda"
        # Before anything is traced: that takes some memory of its own, which a run does not.
        self._resident = 0 if self._on_gpu else resident_memory() or 0
        self._available = available or _available(device, self._resident)
        self._tracer = Tracer(config, dtype, device, settings.machine.recompute == "on")
        self._evaluated = _first_batch(data.heldout)

    def memory(self, micro_batch_size: int) -> Memory:
        """What the run takes with so many instances at once."""
        processes = self._settings.machine.processes
        instances, _ = self._data.stream.take(Position(), micro_batch_size)
        footprint = self._tracer.footprint(
            instances, self._evaluated, self._settings.optimizer, self._resident, processes
        )
        # Of GPUs, each process has one of its own.
        return Memory(footprint, 1 if self._on_gpu else processes, self._available)

    def largest_that_fits(self, micro_batch_size: int) -> int | None:
        """The largest of micro_batch_size / 2, / 4 … that fits."""
        while micro_batch_size > 1:
            micro_batch_size //= 2
            if self.memory(micro_batch_size).fits:
                return micro_batch_size
        return None


def _available(device: torch.device, resident: int) -> int | None:
    """Bytes that the run may take; what this process holds already would be the run's."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free = available_memory()
    return None if free is None else free + resident


def _first_batch(heldout: Sequence[Instance]) -> list[Instance]:
    """What an evaluation puts through the model at once."""
    batch: list[Instance] = []
    tokens = 0
    for instance in heldout:
        tokens += len(instance.ids)
        if batch and tokens > EVALUATION_TOKENS:
            break
        batch.append(instance)
    return batch


def _disk(corpus: Path, output: Path, settings: PretrainingSettings, footprint: Footprint) -> Disk:
    loop = settings.training
    kept = 0
    if loop.keep_every is not None and settings.budget.steps is not None:
        kept = settings.budget.steps // loop.keep_every
    place = next(p for p in (output.absolute(), *output.absolute().parents) if p.exists())
    return Disk(
        corpus=sum(path.stat().st_size for path in corpus.rglob("*") if path.is_file()),
        checkpoint=footprint.weights + footprint.moments,
        checkpoints=loop.keep + kept + 2,  # the best, and the one being written
        model=footprint.weights,
        free=shutil.disk_usage(place).free,
    )


def _asked_steps(settings: PretrainingSettings, step_tokens: float) -> int | None:
    """The steps of a budget in steps or tokens; raises ConfigError where the schedule is longer."""
    budget = settings.budget
    steps = budget.steps
    if budget.tokens is not None:
        steps = max(1, round(budget.tokens / step_tokens))
    if steps is not None:
        learning_rate_at(settings.schedule, 0, steps)
    return steps


def _course(
    settings: PretrainingSettings, pace: Pace | None, step_tokens: float, epoch_tokens: float
) -> Course | None:
    """What the budget comes to."""
    if pace is None:
        return None
    every, minutes = settings.training.evaluate_every, settings.budget.minutes
    steps = _asked_steps(settings, step_tokens)
    if minutes is not None:
        length = steps_within(minutes * 60, pace, every)
        steps, every = max(1, length.total_steps), length.evaluate_every
    if steps is None:
        return None
    evaluations = -(-steps // (every or max(1, steps // EVALUATIONS)))
    tokens = steps * step_tokens
    seconds = steps * pace.step_seconds + evaluations * pace.evaluation_seconds
    return Course(steps, tokens, tokens / epoch_tokens, seconds)
