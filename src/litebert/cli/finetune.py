"""litebert finetune: from a model and labelled data to a fine-tuned model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from litebert.cli.facts import print_facts
from litebert.cli.scores import print_scores
from litebert.cli.tables import print_rows
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import given, layered, optional
from litebert.optim import OptimizerSettings, ScheduleSettings
from litebert.tasks.finetuning.run import COMMAND
from litebert.tasks.finetuning.run import finetune as run_finetuning
from litebert.tasks.finetuning.seeds import finetune_seeds, first_run
from litebert.tasks.named import NAMED, named_task
from litebert.tasks.settings import (
    CourseSettings,
    FinetuneSettings,
    RaceSettings,
    TableSettings,
)
from litebert.tasks.source import Source
from litebert.tasks.sources import table_source
from litebert.tasks.span.task import SpanSettings
from litebert.training.machine import MachineSettings
from litebert.training.run_folder import read_run
from litebert.training.settings import LoopSettings

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Table = Settings
    Race = Settings
    Course = Settings
    Squad = Settings
    Optimizer = Settings
    Schedule = Settings
    Loop = Settings
    Machine = Settings
else:
    Table, Course = optional(TableSettings), optional(CourseSettings)
    Race, Squad = optional(RaceSettings), optional(SpanSettings)
    Optimizer, Schedule = optional(OptimizerSettings), optional(ScheduleSettings)
    Loop, Machine = optional(LoopSettings), optional(MachineSettings)


def finetune(
    model_or_task: Path,
    train: Path | None = None,
    /,
    *,
    output: Path,
    model: Path | None = None,
    data: Path | None = None,
    validation: Path | None = None,
    settings: Path | None = None,
    resume: bool = False,
    seeds: int | None = None,
    table: Annotated[Table | None, Parameter(name="*", group="Table")] = None,
    course: Annotated[Course | None, Parameter(name="*", group="Course")] = None,
    squad: Annotated[Squad | None, Parameter(name="*", group="SQuAD")] = None,
    race: Annotated[Race | None, Parameter(name="*", group="RACE")] = None,
    schedule: Annotated[Schedule | None, Parameter(name="*", group="Schedule")] = None,
    optimizer: Annotated[Optimizer | None, Parameter(name="*", group="Optimiser")] = None,
    training: Annotated[Loop | None, Parameter(name="*", group="Training")] = None,
    machine: Annotated[Machine | None, Parameter(name="*", group="Machine")] = None,
) -> int:
    """Fine-tune a model on your own table, or on the official files of a task by its name.

    litebert finetune MODEL TRAIN --output RUN: classify the rows of your own table. The learning
    rate is fitted to the model; batch size, epochs and max-length to the table.

    litebert finetune TASK --model MODEL --data FOLDER --output RUN: a task of the paper, with its
    published hyper-parameters; small models learn at a higher rate.

    Args:
        model_or_task: Model folder to start from, or the run folder of litebert pretrain; or the
            name of a task.
        train: Labelled rows: .csv, .tsv, .jsonl (each also .gz, .xz, .zst) or .parquet.
        output: Run folder to write: model/, metrics.json, report.html, checkpoints.
        model: Model folder to start from, where the first argument names a task.
        data: Folder with the official files of the task; for squad1.1 and squad2.0 also a file.
        validation: Labelled rows to validate on; without it, a share of the training rows.
        settings: TOML file (a recipe) with sections table, course, squad, race, schedule,
            optimizer, training and machine; options given here replace what it says.
        resume: Go on with the run in the output folder, from its newest checkpoint.
        seeds: Run from so many seeds, each in a folder seed-N: mean ± sd, and the best one's model.
    """
    what = {"table": table, "squad": squad, "race": race, "course": course}
    how = {"schedule": schedule, "optimizer": optimizer, "training": training, "machine": machine}
    asked: dict[str, Any] = {name: given(values) for name, values in (what | how).items()}
    first = output if seeds is None else first_run(output)
    base = read_run(first, COMMAND).settings if resume and first is not None else {}
    chosen = layered(FinetuneSettings, settings, asked, base)
    kind = chosen.table.kind
    start, source = chosen_source(model_or_task, train, model, data, validation, kind)
    if seeds is not None:
        return several(start, source, output, chosen, seeds, resume)
    return once(start, source, output, chosen, resume)


def once(
    start: Path, source: Source, output: Path, settings: FinetuneSettings, resume: bool
) -> int:
    """Fine-tune and print the scores; return the exit code."""
    outcome = run_finetuning(start, source, output, settings, resume)
    if outcome.evaluation is not None:
        facts = {
            "best step": f"{outcome.result.state.best_step:,} of {outcome.result.state.step:,}",
            "model": str(output / "model"),
            "report": str(output / "report.html"),
        }
        print_scores(outcome.evaluation, "validation rows", facts)
    return 0 if outcome.result.signal is None else 128 + outcome.result.signal


def several(
    start: Path,
    source: Source,
    output: Path,
    settings: FinetuneSettings,
    seeds: int,
    resume: bool,
) -> int:
    """Fine-tune from several seeds and print their scores; return the exit code."""
    outcome = finetune_seeds(start, source, output, settings, seeds, resume)
    if outcome.signal is not None:
        return 128 + outcome.signal
    table = outcome.table()
    print_rows(table.columns, table.rows)
    facts = {"best seed": str(outcome.best), "model": str(output / "model")}
    print_facts({**facts, "report": str(output / "report.html")})
    return 0


def chosen_source(
    first: Path,
    train: Path | None,
    model: Path | None,
    data: Path | None,
    validation: Path | None,
    kind: str,
) -> tuple[Path, Source]:
    """The model to start from, and what to train it on, by either form of the command.

    Raises ConfigError where the arguments do not make up one of them.
    """
    name = str(first)
    if model is None and data is None:
        if train is not None:
            return first, table_source(kind, train, validation)
        if name.lower() in NAMED:
            raise ConfigError(
                f"{name} needs a model to start from (--model) and its files (--data)"
            )
        if first.exists():
            raise ConfigError(f"no labelled table is given: litebert finetune {name} TRAIN")
    task = named_task(name)
    if train is not None:
        raise ConfigError(f"{name} is read from --data: a table ({train}) has no place beside it")
    if model is None or data is None:
        raise ConfigError(f"{name} needs {'--data' if model else '--model'} as well")
    return model, task.source(data, validation)
