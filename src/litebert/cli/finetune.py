"""litebert finetune: from a model and a labelled table to a fine-tuned model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from litebert.cli.scores import print_scores
from litebert.foundation.settings import given, layered, optional
from litebert.optim import OptimizerSettings, ScheduleSettings
from litebert.tasks.finetune import COMMAND
from litebert.tasks.finetune import finetune as run_finetuning
from litebert.tasks.settings import CourseSettings, FinetuneSettings, TableSettings
from litebert.training.loop import LoopSettings
from litebert.training.machine import MachineSettings
from litebert.training.run_folder import read_run

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Table = Settings
    Course = Settings
    Optimizer = Settings
    Schedule = Settings
    Loop = Settings
    Machine = Settings
else:
    Table, Course = optional(TableSettings), optional(CourseSettings)
    Optimizer, Schedule = optional(OptimizerSettings), optional(ScheduleSettings)
    Loop, Machine = optional(LoopSettings), optional(MachineSettings)


def finetune(
    model: Path,
    train: Path,
    /,
    *,
    output: Path,
    validation: Path | None = None,
    settings: Path | None = None,
    resume: bool = False,
    table: Annotated[Table | None, Parameter(name="*", group="Table")] = None,
    course: Annotated[Course | None, Parameter(name="*", group="Course")] = None,
    schedule: Annotated[Schedule | None, Parameter(name="*", group="Schedule")] = None,
    optimizer: Annotated[Optimizer | None, Parameter(name="*", group="Optimiser")] = None,
    training: Annotated[Loop | None, Parameter(name="*", group="Training")] = None,
    machine: Annotated[Machine | None, Parameter(name="*", group="Machine")] = None,
) -> int:
    """Fine-tune a model to classify the rows of your own table.

    The learning rate is fitted to the model; batch size, epochs and max-length to the table.

    Args:
        model: Model folder to start from, or the run folder of litebert pretrain.
        train: Labelled rows: .csv, .tsv, .jsonl (each also .gz, .xz, .zst) or .parquet.
        output: Run folder to write: model/, metrics.json, report.html, checkpoints.
        validation: Labelled rows to validate on; without it, a share of the training rows.
        settings: TOML file (a recipe) with sections table, course, schedule, optimizer, training
            and machine; options given here replace what it says.
        resume: Go on with the run in the output folder, from its newest checkpoint.
    """
    sections = {
        "table": table,
        "course": course,
        "schedule": schedule,
        "optimizer": optimizer,
        "training": training,
        "machine": machine,
    }
    asked: dict[str, Any] = {name: given(values) for name, values in sections.items()}
    base = read_run(output, COMMAND).settings if resume else {}
    chosen = layered(FinetuneSettings, settings, asked, base)
    outcome = run_finetuning(model, train, output, chosen, validation, resume)
    if outcome.evaluation is not None:
        facts = {
            "best step": f"{outcome.result.state.best_step:,} of {outcome.result.state.step:,}",
            "model": str(output / "model"),
            "report": str(output / "report.html"),
        }
        print_scores(outcome.evaluation, "validation rows", facts)
    return 0 if outcome.result.signal is None else 128 + outcome.result.signal
