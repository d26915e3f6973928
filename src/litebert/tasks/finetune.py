"""A fine-tuning run: from a model folder and a labelled table to a fine-tuned model folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import ClassificationModel
from litebert.foundation.files import sha256_file
from litebert.foundation.progress import console
from litebert.foundation.randomness import derive_seed
from litebert.optim import learning_rate_at, optimizer_of
from litebert.tasks.card import model_card
from litebert.tasks.classification import SCORE, Classification
from litebert.tasks.evaluation import Evaluation, evaluate
from litebert.tasks.examples import check_labels, distinct_labels, read_examples, split_examples
from litebert.tasks.features import featurise, fitted_length
from litebert.tasks.pages import write_results
from litebert.tasks.placement import InferenceSettings
from litebert.tasks.predictor import Predictor
from litebert.tasks.settings import FinetuneSettings, TableSettings
from litebert.tasks.task import Example, Task
from litebert.text.tokenizer import Tokenizer
from litebert.training.checkpoint import (
    CHECKPOINTS,
    TrainingState,
    checkpoint_path,
    load_checkpoint,
)
from litebert.training.journal import Journal
from litebert.training.lock import lock_folder
from litebert.training.loop import (
    MAY_CHANGE_ON_RESUME,
    Monitor,
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
    require_new,
    restore,
    resume_machine,
    stored_settings,
)
from litebert.weights.folder import (
    load_encoder,
    matching_tokenizer,
    read_config,
    resolve_model_folder,
    save_model,
)

COMMAND = "finetune"
MODEL = "model"
MICRO_TOKENS = {"cpu": 2048, "cuda": 32768}  # computed at once: more is no faster on a CPU


@dataclass(frozen=True)
class FinetuneOutcome:
    """Where a run ended; `evaluation` is the best model's, None where a signal came before any."""

    folder: Path
    record: RunRecord
    result: TrainingResult
    task: Task
    evaluation: Evaluation | None


@dataclass(frozen=True)
class LabelledData:
    """The labels, and the examples to train and to validate on."""

    labels: tuple[str, ...]
    training: Sequence[Example]
    validation: Sequence[Example]


def finetune(
    model_folder: Path,
    train_file: Path,
    folder: Path,
    settings: FinetuneSettings | None = None,
    validation_file: Path | None = None,
    resume: bool = False,
) -> FinetuneOutcome:
    """Fine-tune a model on a labelled table; everything is written into the run folder.

    The model folder `model/`, `metrics.json` and `report.html` are of the checkpoint that scored
    best on the validation rows; they are also written when a signal ends the run early, once it
    has evaluated. Raises ConfigError, DataError, ModelFolderError, VocabularyError, ResumeError,
    CheckpointError or StorageError.
    """
    with lock_folder(folder):
        settings = settings or FinetuneSettings()
        return _finetune(model_folder, train_file, folder, settings, validation_file, resume)


def _finetune(
    model_folder: Path,
    train_file: Path,
    folder: Path,
    settings: FinetuneSettings,
    validation_file: Path | None,
    resume: bool,
) -> FinetuneOutcome:
    stored = read_run(folder, COMMAND) if resume else None
    if stored is None:
        require_new(folder)
    source = resolve_model_folder(model_folder)
    config = read_config(source)
    tokenizer = matching_tokenizer(source, config)
    data = load_data(train_file, validation_file, settings.table, settings.training.seed)
    fitted = fitted_length(data.training, tokenizer, config.max_position_embeddings)
    settings = settings.resolved(config, len(data.training), fitted)
    machine = _machine(settings, stored)
    run = _assemble(source, config, tokenizer, data, settings, machine)
    files = [train_file] if validation_file is None else [train_file, validation_file]
    record = _record(run, settings, machine, files, model_folder)
    if stored is None:
        begin_run(folder, record)
        state = TrainingState()
    else:
        now = {**record.settings, "inputs": record.resolved["inputs"]}
        before = stored_settings(stored, FinetuneSettings).model_dump(exclude_none=True)
        before = {**before, "inputs": stored.resolved["inputs"]}
        check_unchanged(before, now, MAY_CHANGE_ON_RESUME)
        state = restore(folder, run.trainable.model, run.optimizer)
    _say(_introduction(record, settings) + run.remarks, folder)
    result = Trainer(run.trainable, run.optimizer, _plan(settings, record), folder, state).run()
    if result.signal is None and result.state.step < record.resolved["total_steps"]:
        _say([f"stopped early: no better score in {settings.course.patience} evaluations"], folder)
    evaluation = _finish(run, record, result, folder, data)
    return FinetuneOutcome(folder, record, result, run.task, evaluation)


def load_data(
    train_file: Path, validation_file: Path | None, table: TableSettings, seed: int
) -> LabelledData:
    """Read the training rows, and the validation rows from their file or held back from them.

    Raises DataError where a file cannot be read, there is one label only, or the validation file
    has labels that the training file lacks.
    """
    rows = read_examples(train_file, table.text, table.label, table.pair)
    labels = distinct_labels(rows, train_file, table.label)
    if validation_file is None:
        training, validation = split_examples(rows, table.validation_fraction, seed)
    else:
        training = rows
        validation = read_examples(validation_file, table.text, table.label, table.pair)
        check_labels(validation, labels, validation_file)
    return LabelledData(labels, training, validation)


@dataclass(frozen=True)
class _Run:
    """The assembled parts of a run."""

    task: Task
    tokenizer: Tokenizer
    trainable: Classification
    optimizer: torch.optim.Optimizer
    start: str | None
    remarks: list[str]


def _assemble(
    source: Path,
    config: EncoderConfig,
    tokenizer: Tokenizer,
    data: LabelledData,
    settings: FinetuneSettings,
    machine: MachineSettings,
) -> _Run:
    """Build task, model, data and optimiser, as functions of inputs, settings and seed alone."""
    table, course, loop = settings.table, settings.course, settings.training
    task = Task(
        labels=data.labels,
        text_column=table.text,
        pair_column=table.pair,
        label_column=table.label,
        max_length=course.max_length or config.max_position_embeddings,
        metric=course.metric,
    )
    device, dtype = apply_machine(machine)
    model, start = _initial_model(source, config, settings, len(task.labels))
    model.encoder.compute_dtype = dtype
    model.to(device)
    training = featurise(data.training, task.labels, tokenizer, task.max_length)
    validation = featurise(data.validation, task.labels, tokenizer, task.max_length)
    trainable = Classification(
        model,
        task,
        training,
        validation,
        loop.batch_size,
        loop.seed,
        device,
        MICRO_TOKENS[machine.device],
        loop.micro_batch_size,
    )
    optimizer = optimizer_of(
        settings.optimizer, model.named_parameters(), settings.schedule.learning_rate
    )
    remarks = [
        f"{name}: {remark}"
        for name, features in (("training", training), ("validation", validation))
        for remark in features.tally.remarks(task.max_length)
    ]
    return _Run(task, tokenizer, trainable, optimizer, start, remarks)


def _initial_model(
    source: Path, config: EncoderConfig, settings: FinetuneSettings, classes: int
) -> tuple[ClassificationModel, str | None]:
    """The model before training, and the hash of the encoder it starts from, if it does.

    The classifier is always new: a pretraining model has none, another task's does not fit.
    """
    course = settings.course
    changes: dict[str, Any] = {}
    if course.classifier_dropout is not None:
        changes["classifier_dropout_prob"] = course.classifier_dropout
    if course.encoder_dropout is not None:
        changes["hidden_dropout_prob"] = course.encoder_dropout
        changes["attention_probs_dropout_prob"] = course.encoder_dropout
    torch.manual_seed(derive_seed(settings.training.seed, "weights") % 2**63)
    model = ClassificationModel(config.changed(**changes), classes)
    if course.from_scratch:
        return model, None
    weights = load_encoder(source).state_dict()
    model.encoder.load_state_dict(weights)
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    return model, digest.hexdigest()


def _machine(settings: FinetuneSettings, stored: RunRecord | None) -> MachineSettings:
    if stored is None:
        return resolve_machine(settings.machine)
    machine, warning = resume_machine(stored.resolved["machine"])
    if warning is not None:
        console().print(warning, markup=False)
    return machine


def _record(
    run: _Run,
    settings: FinetuneSettings,
    machine: MachineSettings,
    files: Sequence[Path],
    model_folder: Path,
) -> RunRecord:
    """All that was chosen, and what the run's inputs were.

    Raises ConfigError for a schedule that does not fit the number of steps.
    """
    steps = run.trainable.steps_per_epoch
    total_steps = steps * (settings.course.epochs or 1)
    learning_rate_at(settings.schedule, 0, total_steps)
    resolved = {
        "total_steps": total_steps,
        "steps_per_epoch": steps,
        "machine": machine.model_dump(),
        "parameters": sum(p.numel() for p in run.trainable.model.parameters()),
        "task": run.task.as_dict(),
        "rows": run.trainable.rows,
        "start": None if run.start is None else str(model_folder),
        "inputs": {
            "files": [f"{path.name} {sha256_file(path)[:16]}" for path in files],
            "tokenizer": run.tokenizer.fingerprint[:16],
            "encoder": None if run.start is None else run.start[:16],
        },
    }
    return RunRecord(COMMAND, settings.model_dump(exclude_none=True), resolved)


def _plan(settings: FinetuneSettings, record: RunRecord) -> Plan:
    total = int(record.resolved["total_steps"])
    return Plan(
        total,
        settings.training,
        lambda step: learning_rate_at(settings.schedule, step, total),
        Monitor(SCORE, patience=settings.course.patience or None),
        title="fine-tuning",
    )


def _introduction(record: RunRecord, settings: FinetuneSettings) -> list[str]:
    """What is about to be done, in two lines."""
    resolved, course = record.resolved, settings.course
    labels, rows = resolved["task"]["labels"], resolved["rows"]
    weights = (
        "random weights" if resolved["start"] is None else f"the encoder of {resolved['start']}"
    )
    return [
        f"from {weights}, with a new classifier for {len(labels)} labels",
        f"{rows['training']:,} rows to train on, {rows['validation']:,} to validate on, "
        f"at most {course.max_length} tokens each; {course.epochs} epochs of "
        f"{resolved['steps_per_epoch']:,} steps, learning rate {settings.schedule.learning_rate:g}",
    ]


def _say(remarks: Sequence[str], folder: Path) -> None:
    for remark in remarks:
        console().print(remark, markup=False)
        Journal(folder).note(remark)


def _finish(
    run: _Run, record: RunRecord, result: TrainingResult, folder: Path, data: LabelledData
) -> Evaluation | None:
    """Take the best checkpoint's weights, save the model, measure it as it was saved, report."""
    best_step = result.state.best_step
    if best_step is None:
        return None
    model = run.trainable.model
    load_checkpoint(checkpoint_path(folder / CHECKPOINTS, best_step), model)
    settings = InferenceSettings(device=record.resolved["machine"]["device"])
    evaluation = evaluate(Predictor(model, run.tokenizer, run.task, settings), data.validation)
    start = "random weights" if run.start is None else Path(record.resolved["start"]).name
    card = model_card(folder.name, start, len(data.training), run.task, evaluation)
    save_model(folder / MODEL, model, run.tokenizer, run.task.as_dict(), card)
    write_results(folder, record, evaluation, result.state.step, best_step)
    return evaluation
