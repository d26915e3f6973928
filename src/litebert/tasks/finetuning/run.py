"""A fine-tuning run: from a model folder and labelled data to a fine-tuned model folder.

It knows neither kinds of tasks nor sources of data by name: see `tasks/kind.py` and
`tasks/source.py`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from litebert.foundation.errors import ConfigError, nearest
from litebert.foundation.files import sha256_path
from litebert.foundation.progress import console
from litebert.optim import learning_rate_at, warmup_of
from litebert.tasks.finetuning.assembly import AssembledRun, Origin, assemble, initial_model
from litebert.tasks.finetuning.card import model_card
from litebert.tasks.finetuning.trainable import SCORE
from litebert.tasks.kind import Evaluation, Kind
from litebert.tasks.kinds import KINDS
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.pages import write_results
from litebert.tasks.prediction.placement import InferenceSettings
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.settings import (
    FEWEST_TO_CHOOSE,
    PATIENCE,
    CourseSettings,
    FinetuneSettings,
)
from litebert.tasks.source import Source, TaskData
from litebert.tasks.task import Task
from litebert.training.checkpoint import (
    CHECKPOINTS,
    TrainingState,
    checkpoint_path,
    load_checkpoint,
)
from litebert.training.journal import Journal
from litebert.training.lock import lock_folder
from litebert.training.loop import Monitor, Plan, Trainer, TrainingResult
from litebert.training.machine import MachineSettings, resolve_machine
from litebert.training.recovery import begin_again
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
from litebert.training.settings import MAY_CHANGE_ON_RESUME
from litebert.training.watch import Chance
from litebert.weights.folder import save_model

COMMAND = "finetune"
MODEL = "model"
FEWEST_UPDATES = 150  # before a run may count as stuck; twice its warm-up, where that is longer
RATE_CUT = 3  # the learning rate is divided by this when a run begins again


@dataclass(frozen=True)
class FinetuneOutcome:
    """Where a run ended; `evaluation` is the best model's, None where a signal came before any."""

    folder: Path
    record: RunRecord
    result: TrainingResult
    task: Task
    evaluation: Evaluation | None


def finetune(
    model_folder: Path,
    source: Source,
    folder: Path,
    settings: FinetuneSettings | None = None,
    resume: bool = False,
) -> FinetuneOutcome:
    """Fine-tune a model on labelled data; everything is written into the run folder.

    The model folder `model/`, `metrics.json` and `report.html` are of the checkpoint that scored
    best on the validation examples, or the last one where these are too few to choose by; they are
    also written when a signal ends the run early, once it has evaluated. Raises ConfigError,
    DataError, ModelFolderError, VocabularyError, ResumeError, CheckpointError or StorageError.
    """
    with lock_folder(folder):
        return _finetune(model_folder, source, folder, settings or FinetuneSettings(), resume)


def _finetune(
    model_folder: Path, source: Source, folder: Path, settings: FinetuneSettings, resume: bool
) -> FinetuneOutcome:
    stored = read_run(folder, COMMAND) if resume else None
    if stored is None:
        require_new(folder)
    origin = Origin.of(model_folder)
    data = source.load(settings, origin.config, origin.tokenizer)
    kind = KINDS[data.kind]
    metric = data.metric or next(iter(kind.metrics))
    settings = settings.resolved(
        origin.config, len(data.training), data.max_length, metric, data.preset
    )
    _check_metric(settings, kind)
    machine = _machine(settings, stored)
    run = assemble(origin, kind, data, settings, machine)
    record = _record(run, settings, machine, data)
    if stored is None:
        begin_run(folder, record)
        state = TrainingState()
    else:
        now = {**record.settings, "inputs": record.resolved["inputs"]}
        before = stored_settings(stored, FinetuneSettings).model_dump(exclude_none=True)
        before = {**before, "inputs": stored.resolved["inputs"]}
        check_unchanged(before, now, MAY_CHANGE_ON_RESUME)
        state = restore(folder, run.trainable.model, run.optimizer)
    _say([*_introduction(record, settings, data), *run.remarks], folder)
    result = _train(run, origin, settings, record, folder, state)
    if result.signal is None and result.state.step < record.resolved["total_steps"]:
        patience = _monitor(settings.course, len(data.validation)).patience
        _say([f"stopped early: no better score in {patience} evaluations"], folder)
    evaluation = _finish(run, record, result, folder, data)
    return FinetuneOutcome(folder, record, result, run.task, evaluation)


def _train(
    run: AssembledRun,
    origin: Origin,
    settings: FinetuneSettings,
    record: RunRecord,
    folder: Path,
    state: TrainingState,
) -> TrainingResult:
    """Train to the end; a run that stays at chance begins again, at a third of its rate."""
    while True:
        plan = _plan(run, settings, record, state.watch.restarts)
        result = Trainer(run.trainable, run.optimizer, plan, folder, state).run()
        if not result.stuck:
            return result
        kind, task = run.trainable.kind, run.task
        first, _ = initial_model(origin, kind, settings, kind.classes(task))
        run.model.load_state_dict(first.state_dict())
        rate = settings.schedule.learning_rate / RATE_CUT ** (result.state.watch.restarts + 1)
        _say([f"the run begins again with learning rate {rate:.3g}"], folder)
        state = begin_again(folder / CHECKPOINTS, run.model, run.optimizer, result.state)
        Journal(folder).forget_after(0, state.batches)


def _check_metric(settings: FinetuneSettings, kind: Kind) -> None:
    metric = settings.course.metric or ""
    if metric not in kind.metrics:
        raise ConfigError(
            f'metric: "{metric}" is no score of a {kind.name}: {nearest(metric, kind.metrics)}'
        )


def _machine(settings: FinetuneSettings, stored: RunRecord | None) -> MachineSettings:
    if stored is None:
        return resolve_machine(settings.machine)
    machine, warning = resume_machine(stored.resolved["machine"])
    if warning is not None:
        console().print(warning, markup=False)
    return machine


def _record(
    run: AssembledRun, settings: FinetuneSettings, machine: MachineSettings, data: TaskData
) -> RunRecord:
    """All that was chosen, and what the run's inputs were.

    Raises ConfigError for a schedule that does not fit the number of steps.
    """
    course, steps = settings.course, run.trainable.steps_per_epoch
    total_steps = course.steps or steps * (course.epochs or 1)
    learning_rate_at(settings.schedule, 0, total_steps)
    resolved = {
        "total_steps": total_steps,
        "steps_per_epoch": steps,
        "machine": machine.model_dump(),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "task": run.task.as_dict(),
        "rows": {"training": len(data.training), "validation": len(data.validation)},
        "start": run.start,
        "left_out": run.left_out,
        "preset": None if data.preset is None else asdict(data.preset),
        "inputs": {
            "files": [f"{path.name} {sha256_path(path)[:16]}" for path in data.files],
            "tokenizer": run.tokenizer.fingerprint[:16],
            "encoder": None if run.digest is None else run.digest[:16],
        },
    }
    return RunRecord(COMMAND, settings.model_dump(exclude_none=True), resolved)


def _plan(run: AssembledRun, settings: FinetuneSettings, record: RunRecord, restarts: int) -> Plan:
    """The run's length, its rate after so many restarts, and what it is to notice."""
    total = int(record.resolved["total_steps"])
    trainable = run.trainable
    after = max(FEWEST_UPDATES, 2 * warmup_of(settings.schedule, total))
    loss = trainable.kind.chance_loss(run.task, trainable.items) if after < total else None
    return Plan(
        total,
        settings.training,
        lambda step: learning_rate_at(settings.schedule, step, total) / RATE_CUT**restarts,
        _monitor(settings.course, int(record.resolved["rows"]["validation"])),
        title="fine-tuning",
        chance=None if loss is None else Chance(loss, after, settings.course.restarts),
    )


def _monitor(course: CourseSettings, rows: int) -> Monitor:
    """What says which checkpoint is best, given so many rows to validate on."""
    if course.patience is None and rows < FEWEST_TO_CHOOSE:
        return Monitor(SCORE, latest=True)
    patience = PATIENCE if course.patience is None else course.patience
    return Monitor(SCORE, patience=patience or None)


def _introduction(record: RunRecord, settings: FinetuneSettings, data: TaskData) -> list[str]:
    """What is about to be done, in a few lines."""
    resolved, course = record.resolved, settings.course
    rows, labels = resolved["rows"], resolved["task"].get("labels")
    weights = (
        "random weights" if resolved["start"] is None else f"the encoder of {resolved['start']}"
    )
    if resolved["start"] is not None and resolved["left_out"]:
        weights += f" (its head for {resolved['left_out']} is left out)"
    head = f"classifier for {len(labels)} labels" if labels else f"head for {data.kind}"
    length = f"{course.epochs} epochs" if course.epochs else f"{resolved['total_steps']:,} steps"
    lines = [
        f"from {weights}, with a new {head}",
        f"{rows['training']:,} rows to train on, {rows['validation']:,} to validate on, "
        f"at most {course.max_length} tokens each; {length}, "
        f"{resolved['steps_per_epoch']:,} steps an epoch, "
        f"learning rate {settings.schedule.learning_rate:g}",
    ]
    if _monitor(course, rows["validation"]).latest:
        lines.append(
            f"{rows['validation']} rows are too few to choose a checkpoint by: the last one is kept"
        )
    preset, rate = data.preset, settings.schedule.learning_rate
    if preset is not None and rate != preset.learning_rate:
        size = "base and larger" if preset.any_size else "xxlarge"
        lines.append(f"the published learning rate, {preset.learning_rate:g}, is for ALBERT {size}")
    return [*lines, *data.remarks]


def _say(remarks: Sequence[str], folder: Path) -> None:
    for remark in remarks:
        console().print(remark, markup=False)
        Journal(folder).note(remark)


def _finish(
    run: AssembledRun, record: RunRecord, result: TrainingResult, folder: Path, data: TaskData
) -> Evaluation | None:
    """Take the best checkpoint's weights, save the model, measure it as it was saved, report."""
    best_step = result.state.best_step
    if best_step is None:
        return None
    load_checkpoint(checkpoint_path(folder / CHECKPOINTS, best_step), run.model)
    settings = InferenceSettings(device=record.resolved["machine"]["device"])
    kind, task = run.trainable.kind, run.task
    # What is fitted at the end is fitted to the precision that the model will be used in.
    results = Predictor(run.model, run.tokenizer, task, settings).results(data.validation)
    task = kind.finished(run.model, task, list(results))
    predictor = Predictor(run.model, run.tokenizer, task, settings)
    evaluation = evaluate(predictor, data.validation)
    start = "random weights" if run.start is None else Path(run.start).name
    card = model_card(folder.name, start, len(data.training), task, evaluation)
    save_model(folder / MODEL, run.model, run.tokenizer, task.as_dict(), card)
    finished = result.signal is None
    write_results(folder, record, evaluation, result.state.step, best_step, finished)
    return evaluation
