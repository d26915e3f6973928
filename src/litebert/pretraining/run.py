"""A pretraining run: from a corpus folder to a run folder with checkpoints, model and report."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from litebert.corpus.instances import Instance
from litebert.corpus.shards import Corpus
from litebert.corpus.spans import Spans, split_heldout
from litebert.corpus.stream import InstanceStream
from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import PretrainingModel
from litebert.foundation.errors import ConfigError
from litebert.foundation.files import require_vacant
from litebert.foundation.progress import console
from litebert.foundation.randomness import Position, derive_seed
from litebert.optim import learning_rate_at, optimizer_of
from litebert.pretraining.evaluate import piece_counts, unigram_loss
from litebert.pretraining.report import write_run_report
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.trainable import Pretraining
from litebert.training.budget import resolve_length
from litebert.training.checkpoint import TrainingState
from litebert.training.loop import (
    MAY_CHANGE_ON_RESUME,
    Plan,
    Trainer,
    TrainingResult,
)
from litebert.training.machine import MachineSettings, apply_machine, resolve_machine
from litebert.training.run_folder import (
    RunRecord,
    begin_run,
    check_unchanged,
    read_run,
    restore,
    resume_machine,
)
from litebert.weights.folder import save_model

COMMAND = "pretrain"


@dataclass(frozen=True)
class PretrainingOutcome:
    """Where a run ended: training's result, the resolved run record, the folder."""

    folder: Path
    record: RunRecord
    result: TrainingResult


def pretrain(
    corpus_folder: Path, folder: Path, settings: PretrainingSettings, resume: bool = False
) -> PretrainingOutcome:
    """Pretrain on a corpus folder; everything is written into the run folder.

    The model folder and the report are written at the end, and also when SIGINT or SIGTERM ends
    the run early. Raises ConfigError, CorpusError, ResumeError, CheckpointError or StorageError.
    """
    began = time.perf_counter()
    corpus = Corpus.open(corpus_folder)
    stored = read_run(folder, COMMAND) if resume else None
    if stored is None:
        require_vacant(folder)
        machine = resolve_machine(settings.machine)
    else:
        _check_same_run(stored, settings, corpus)
        machine, warning = resume_machine(stored.resolved["machine"])
        if warning is not None:
            console().print(warning)
    run = _assemble(corpus, settings, machine)
    if stored is None:
        record = _begin(run, corpus, settings, machine, folder, began)
        state = TrainingState()
    else:
        record = stored
        state = restore(folder, run.trainable.model, run.optimizer)
    trainer = Trainer(run.trainable, run.optimizer, _plan(settings, record), folder, state)
    result = trainer.run()
    save_model(folder / "model", run.trainable.model, corpus.tokenizer())
    outcome = PretrainingOutcome(folder, record, result)
    write_run_report(folder, record)
    return outcome


@dataclass(frozen=True)
class _Run:
    """The assembled parts of a run."""

    config: EncoderConfig
    trainable: Pretraining
    optimizer: torch.optim.Optimizer
    stream: InstanceStream
    heldout: list[Instance]


def _assemble(corpus: Corpus, settings: PretrainingSettings, machine: MachineSettings) -> _Run:
    """Build the model, its data and its optimiser, as functions of settings and seed alone."""
    config = settings.model.resolve(corpus.vocab_size)
    if settings.data.max_length > config.max_position_embeddings:
        raise ConfigError(
            f"max_length: {settings.data.max_length} exceeds the "
            f"{config.max_position_embeddings} positions of the model"
        )
    device, dtype = apply_machine(machine)
    loop = settings.training
    torch.manual_seed(derive_seed(loop.seed, "weights") % 2**63)
    model = PretrainingModel(config)
    model.encoder.compute_dtype = dtype
    model.to(device)
    training_spans, heldout_spans = split_heldout(corpus, settings.evaluation.heldout)
    stream = InstanceStream(corpus, training_spans, settings.data, loop.seed)
    heldout = _heldout_instances(corpus, heldout_spans, settings)
    trainable = Pretraining(model, stream, heldout, loop.batch_size, loop.micro_batch_size, device)
    optimizer = optimizer_of(
        settings.optimizer, model.named_parameters(), settings.schedule.learning_rate
    )
    return _Run(config, trainable, optimizer, stream, heldout)


def _heldout_instances(
    corpus: Corpus, spans: Spans, settings: PretrainingSettings
) -> list[Instance]:
    """The instances of every evaluation: the same whatever the run's seed."""
    stream = InstanceStream(corpus, spans, settings.data, seed=0)
    count = min(settings.evaluation.evaluation_instances, stream.epoch_size(0))
    return stream.take(Position(), count)[0]


def _begin(
    run: _Run,
    corpus: Corpus,
    settings: PretrainingSettings,
    machine: MachineSettings,
    folder: Path,
    began: float,
) -> RunRecord:
    """Resolve the budget and write the records of a new run."""
    evaluate_every = settings.training.evaluate_every
    length = resolve_length(settings.budget, run.trainable, run.optimizer, evaluate_every, began)
    resolved = {
        "total_steps": length.total_steps,
        "evaluate_every": length.evaluate_every,
        "machine": machine.model_dump(),
        "config": run.config.model_dump(),
        "parameters": sum(p.numel() for p in run.trainable.model.parameters()),
        "corpus": corpus.content_hash,
        "unigram_loss": unigram_loss(piece_counts(run.stream), run.heldout),
    }
    # Refuses a schedule that does not fit.
    learning_rate_at(settings.schedule, 0, length.total_steps)
    record = RunRecord(COMMAND, settings.model_dump(exclude_none=True), resolved)
    begin_run(folder, record)
    return record


def _check_same_run(stored: RunRecord, settings: PretrainingSettings, corpus: Corpus) -> None:
    check_unchanged(
        {**stored.settings, "corpus": stored.resolved["corpus"]},
        {**settings.model_dump(exclude_none=True), "corpus": corpus.content_hash},
        MAY_CHANGE_ON_RESUME,
    )


def _plan(settings: PretrainingSettings, record: RunRecord) -> Plan:
    total = int(record.resolved["total_steps"])
    return Plan(
        total,
        settings.training.changed(evaluate_every=record.resolved["evaluate_every"]),
        lambda step: learning_rate_at(settings.schedule, step, total),
        title="pretraining",
    )
