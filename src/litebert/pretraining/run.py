"""A pretraining run: from a corpus folder to a run folder with checkpoints, model and report."""

import signal
import time
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from litebert.corpus.shards import Corpus
from litebert.corpus.short_start import LONG_FROM
from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError, LitebertError, StorageError
from litebert.foundation.progress import console
from litebert.optim import learning_rate_at
from litebert.pretraining.assembly import (
    Assembly,
    assemble,
    open_data,
    resolve_config,
    training_stream,
)
from litebert.pretraining.evaluate import piece_counts, unigram_loss
from litebert.pretraining.expectations import expectations
from litebert.pretraining.report import write_run_report
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.start import require_saved, start_vectors, start_weights
from litebert.training.budget import resolve_length
from litebert.training.checkpoint import (
    CHECKPOINTS,
    Snapshot,
    TrainingState,
    newest_checkpoint,
    read_state,
    write_checkpoint,
)
from litebert.training.distributed import World, joined_world, restarted, started_by_launcher
from litebert.training.journal import METRICS, read_metrics
from litebert.training.launch import launch
from litebert.training.lock import lock_folder
from litebert.training.loop import Monitor, Plan, Trainer, TrainingResult
from litebert.training.machine import MachineSettings, resolve_machine
from litebert.training.replicas import replicate
from litebert.training.run_folder import (
    RUN,
    RunRecord,
    begin_run,
    check_unchanged,
    read_run,
    require_new,
    restore,
    resume_machine,
    stored_settings,
)
from litebert.training.settings import MAY_CHANGE_ON_RESUME
from litebert.training.watch import Watch, WatchSettings
from litebert.weights.folder import save_model

COMMAND = "pretrain"
MODEL = "model"
MAY_CHANGE = (
    *MAY_CHANGE_ON_RESUME,
    "data_workers",
    "processes",
    "recompute",
    "timeout",
    *WatchSettings.model_fields,
)


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
    the run early. With several `machine.processes` they are started here, so call it from a script
    under `if __name__ == "__main__":`; in a process that torchrun started it is one of the group.
    Raises ConfigError, CorpusError, ResumeError, CheckpointError, StorageError, DivergenceError or
    LostProcessError.
    """
    if settings.machine.processes > 1 and not started_by_launcher():
        arguments = (corpus_folder, folder, settings.model_dump(exclude_none=True), resume)
        ended_by = launch(_pretrain_as_rank, arguments, settings.machine.processes)
        return _outcome_of(folder, ended_by)
    began = time.perf_counter()
    with joined_world(settings.machine.timeout) as world:
        if world.size > settings.training.batch_size:
            raise ConfigError(
                f"batch_size: {world.size} processes cannot share a batch of "
                f"{settings.training.batch_size}: give a larger one or start fewer processes"
            )
        with lock_folder(folder) if world.first else nullcontext():
            return _pretrain(corpus_folder, folder, settings, resume, world, began)


def _pretrain_as_rank(
    corpus_folder: Path, folder: Path, settings: dict[str, Any], resume: bool
) -> None:
    """One of the processes that `pretrain` starts."""
    pretrain(corpus_folder, folder, PretrainingSettings.parse(settings), resume)


def _pretrain(
    corpus_folder: Path,
    folder: Path,
    settings: PretrainingSettings,
    resume: bool,
    world: World,
    began: float,
) -> PretrainingOutcome:
    """The run as one process of its world does it; the first one decides, reads and writes."""
    corpus = Corpus.open(corpus_folder)
    record = _stored_record(corpus, folder, settings, resume, world)
    machine = _machine(settings, record, world)
    config = _config(corpus, settings, record)
    run = assemble(config, open_data(corpus, settings), settings, machine, world)
    with closing(run.trainable):
        resumed = record is not None
        record = record or _begin(run, corpus, settings, machine, folder, world, began)
        return _train(run, corpus, settings, record, folder, world, resumed)


def _train(
    run: Assembly,
    corpus: Corpus,
    settings: PretrainingSettings,
    record: RunRecord,
    folder: Path,
    world: World,
    resumed: bool,
) -> PretrainingOutcome:
    """Train to the end of the run, from its beginning or its newest checkpoint."""
    state = TrainingState()
    if resumed and world.first:
        require_saved(folder, record)
        state = restore(folder, run.trainable.model, run.optimizer)
    state = TrainingState.from_json(world.share(state.as_json()))
    replicate(world, run.trainable.model, run.optimizer)
    plan = _plan(settings, record)
    run.trainable.stream = training_stream(run.data, settings, plan.total_steps)
    try:
        result = Trainer(run.trainable, run.optimizer, plan, folder, state, world).run()
    except LitebertError:
        if world.first:
            with suppress(StorageError):
                write_run_report(folder, record)
        raise
    if world.first:
        save_model(folder / MODEL, run.trainable.model, corpus.tokenizer())
        write_run_report(folder, record)
        result = replace(result, metrics=result.metrics or _last_metrics(folder))
    return PretrainingOutcome(folder, record, result)


def _outcome_of(folder: Path, ended_by: int | None) -> PretrainingOutcome:
    """What processes of their own left in the run folder; without a model the signal acts."""
    if ended_by is not None and not (folder / MODEL).is_dir():
        signal.raise_signal(ended_by)
    record = read_run(folder, COMMAND)
    newest = newest_checkpoint(folder / CHECKPOINTS)
    state = TrainingState() if newest is None else read_state(newest)
    finished = state.step >= record.resolved["total_steps"]
    result = TrainingResult(state, None if finished else ended_by, _last_metrics(folder))
    return PretrainingOutcome(folder, record, result)


def _last_metrics(folder: Path) -> dict[str, float]:
    """The held-out metrics of a run's last evaluation, empty where there was none."""
    lines = read_metrics(folder / METRICS, "evaluation")
    about = ("kind", "step", "tokens")
    return {name: value for name, value in lines[-1].items() if name not in about} if lines else {}


def _stored_record(
    corpus: Corpus, folder: Path, settings: PretrainingSettings, resume: bool, world: World
) -> RunRecord | None:
    """The record of the run to go on with, None where a new one begins.

    A group that torchrun has started anew goes on by itself.
    """
    stored = None
    if world.first:
        if resume or (restarted() and (folder / RUN).is_file()):
            stored = read_run(folder, COMMAND)
            before = stored_settings(stored, PretrainingSettings).model_dump(exclude_none=True)
            check_unchanged(
                {**before, "corpus": stored.resolved["corpus"]},
                {**settings.model_dump(exclude_none=True), "corpus": corpus.content_hash},
                MAY_CHANGE,
            )
        else:
            require_new(folder)
    values = world.share(None if stored is None else vars(stored))
    return None if values is None else RunRecord(**values)


def _machine(
    settings: PretrainingSettings, stored: RunRecord | None, world: World
) -> MachineSettings:
    """What every process computes on: as resolved when the run began, or now."""
    machine, remark = MachineSettings(), None
    if world.first and stored is None:
        machine = resolve_machine(settings.machine, world.local_size)
    elif world.first and stored is not None:
        resolved = stored.resolved["machine"]
        before = stored.resolved.get("processes", 1)
        if before != world.size:
            resolved = {**resolved, "threads": settings.machine.threads}
            remark = (
                f"the run began with {before} and goes on with {world.size} processes: the same "
                "batches, but the result will not be bit for bit that of an uninterrupted run"
            )
        machine, other_device = resume_machine(resolved, world.local_size)
        for text in filter(None, (remark, other_device)):
            console().print(text, markup=False)
    return MachineSettings.parse(world.share(machine.model_dump()))


def _config(
    corpus: Corpus, settings: PretrainingSettings, stored: RunRecord | None
) -> EncoderConfig:
    """The model's configuration, as resolved when the run began, or now."""
    if stored is None:
        return resolve_config(corpus, settings)
    return EncoderConfig.parse(stored.resolved["config"], where=RUN)


def _begin(
    run: Assembly,
    corpus: Corpus,
    settings: PretrainingSettings,
    machine: MachineSettings,
    folder: Path,
    world: World,
    began: float,
) -> RunRecord:
    """Fill the model where it starts from another, resolve the budget, write a run's records."""
    model = run.trainable.model
    start = _start(run, settings, world)
    length = resolve_length(
        settings.budget,
        run.trainable,
        run.optimizer,
        settings.training.evaluate_every,
        began,
        world,
    )
    # These refuse what does not fit into so many steps.
    learning_rate_at(settings.schedule, 0, length.total_steps)
    training_stream(run.data, settings, length.total_steps)
    resolved: dict[str, Any] = {}
    if world.first:
        resolved = {
            "total_steps": length.total_steps,
            "evaluate_every": length.evaluate_every,
            "machine": machine.model_dump(),
            "processes": world.size,
            "config": run.config.model_dump(),
            "parameters": sum(p.numel() for p in model.parameters()),
            "corpus": corpus.content_hash,
            "unigram_loss": unigram_loss(piece_counts(run.data.stream), run.data.heldout),
        }
    if start is not None:
        resolved["start"] = start
    record = RunRecord(COMMAND, settings.model_dump(exclude_none=True), world.share(resolved))
    if world.first:
        begin_run(folder, record)
    if start is not None:
        # A run that is resumed must not depend on the folder it started from.
        write_checkpoint(folder / CHECKPOINTS, Snapshot.take(model, run.optimizer), TrainingState())
    return record


def _start(run: Assembly, settings: PretrainingSettings, world: World) -> dict[str, Any] | None:
    """Fill the model with what it is to begin with; says what that is, None for random weights."""
    model, start = run.trainable.model, None
    if settings.model.start_from is not None:
        if world.first:
            start = start_weights(settings.model.start_from, model)
        replicate(world, model, run.optimizer)
    elif settings.model.word_vectors == "cooccurrence":
        if world.first:
            start = start_vectors(model, run.data.stream, settings.training.seed)
        replicate(world, model, run.optimizer)
    return start


def _plan(settings: PretrainingSettings, record: RunRecord) -> Plan:
    total = int(record.resolved["total_steps"])
    watch = Watch(settings.watch, expectations(settings, record.resolved))
    return Plan(
        total,
        settings.training.changed(evaluate_every=record.resolved["evaluate_every"]),
        lambda step: learning_rate_at(settings.schedule, step, total),
        Monitor("masked_lm_loss", higher_is_better=False),
        title="pretraining",
        watch=watch if settings.watch.watch == "on" else None,
        harder_from=LONG_FROM if settings.data.short_start > 0 else None,
    )
