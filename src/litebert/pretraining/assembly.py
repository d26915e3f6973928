"""The parts of a pretraining run, made of settings and seed alone."""

import math
from dataclasses import dataclass

import torch

from litebert.corpus.instances import Instance
from litebert.corpus.shards import Corpus
from litebert.corpus.short_start import ShortStart
from litebert.corpus.spans import split_heldout
from litebert.corpus.stream import InstanceStream, Stream
from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import PretrainingModel
from litebert.foundation.errors import ConfigError
from litebert.foundation.processors import usable_cpus
from litebert.foundation.randomness import Position, derive_seed
from litebert.optim import optimizer_of
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.start import start_config
from litebert.pretraining.trainable import Pretraining
from litebert.training.distributed import ALONE, World
from litebert.training.machine import MachineSettings, apply_machine

MOST_DATA_WORKERS = 4  # unless more are asked for
CPU_TOKENS = 8192  # at once: with more it is slower, and takes more memory (docs/benchmarks.md)


@dataclass(frozen=True)
class Data:
    """What a run trains on, and the instances of its evaluations."""

    stream: InstanceStream
    heldout: list[Instance]


@dataclass(frozen=True)
class Assembly:
    """The assembled parts of a run."""

    config: EncoderConfig
    data: Data
    trainable: Pretraining
    optimizer: torch.optim.Optimizer


def resolve_config(corpus: Corpus, settings: PretrainingSettings) -> EncoderConfig:
    """The configuration of the encoder that settings ask for, fitted to the corpus.

    Raises ConfigError where they do not fit together; VocabularyError where the corpus does not fit
    the model to start from.
    """
    folder = settings.model.start_from
    start = None if folder is None else start_config(folder, corpus)
    config = settings.model.resolve(corpus.vocab_size, start)
    if settings.data.max_length > config.max_position_embeddings:
        raise ConfigError(
            f"max_length: {settings.data.max_length} exceeds the "
            f"{config.max_position_embeddings} positions of the model"
        )
    return config


def open_data(corpus: Corpus, settings: PretrainingSettings) -> Data:
    """The stream to train on, and the held-out instances, the same whatever the run's seed."""
    training_spans, heldout_spans = split_heldout(corpus, settings.evaluation.heldout)
    stream = InstanceStream(corpus, training_spans, settings.data, settings.training.seed)
    heldout = InstanceStream(corpus, heldout_spans, settings.data, seed=0, sampled=False)
    count = min(settings.evaluation.evaluation_instances, heldout.epoch_size(0))
    return Data(stream, heldout.take(Position(), count)[0])


def training_stream(data: Data, settings: PretrainingSettings, total_steps: int) -> Stream:
    """What a run of so many steps trains on: the stream, after a short start where one is asked.

    Raises ConfigError where the short start leaves nothing of the run.
    """
    steps = settings.data.short_steps(total_steps)
    if steps == 0:
        return data.stream
    if steps >= total_steps:
        raise ConfigError(
            f"short_start: {steps:,} steps with short instances leave nothing of a run of "
            f"{total_steps:,}: lower it, or train longer"
        )
    short_length, batch_size = settings.data.short_length, settings.training.batch_size
    return ShortStart(data.stream, short_length, batch_size, steps)


def micro_batch_size(settings: PretrainingSettings, device: str, processes: int) -> int:
    """Instances that go through the model at once in each of so many processes.

    As many as are asked for; else all of its share of a batch, which a CPU takes in equal parts of
    at most `CPU_TOKENS` tokens.
    """
    loop = settings.training
    share = math.ceil(loop.batch_size / processes)
    if loop.micro_batch_size is not None:
        return min(share, loop.micro_batch_size)
    if device == "cuda":
        return share
    parts = math.ceil(share / max(1, CPU_TOKENS // settings.data.max_length))
    return math.ceil(share / parts)


def assemble(
    config: EncoderConfig,
    data: Data,
    settings: PretrainingSettings,
    machine: MachineSettings,
    world: World = ALONE,
) -> Assembly:
    """Build the model, what trains it on the data, and its optimiser, on a resolved machine."""
    device, dtype = apply_machine(machine, world.local_rank)
    loop = settings.training
    torch.manual_seed(derive_seed(loop.seed, "weights") % 2**63)
    model = PretrainingModel(config)
    model.encoder.compute_dtype = dtype
    model.encoder.recompute = settings.machine.recompute == "on"
    model.to(device)
    trainable = Pretraining(
        model,
        data.stream,
        data.heldout,
        loop.batch_size,
        micro_batch_size(settings, device.type, world.size),
        device,
        world,
        _data_workers(settings.machine.data_workers, device, world),
    )
    optimizer = optimizer_of(
        settings.optimizer, model.named_parameters(), settings.schedule.learning_rate
    )
    return Assembly(config, data, trainable, optimizer)


def _data_workers(asked: int | None, device: torch.device, world: World) -> int:
    """How many processes make batches ahead for this one."""
    if asked is not None:
        return asked
    free = usable_cpus() // world.local_size - 1  # one trains
    return 0 if device.type == "cpu" else max(1, min(MOST_DATA_WORKERS, free))
