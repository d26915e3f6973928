"""litebert glue: all tasks of GLUE, and the paper's row."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from litebert.cli.facts import print_facts
from litebert.cli.tables import print_rows
from litebert.foundation.progress import console
from litebert.foundation.settings import given, optional
from litebert.optim import ScheduleSettings
from litebert.tasks.glue.run import SUBMISSION, run_glue
from litebert.tasks.settings import CourseSettings
from litebert.training.machine import MachineSettings
from litebert.training.settings import LoopSettings

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Course = Settings
    Schedule = Settings
    Loop = Settings
    Machine = Settings
else:
    Course, Schedule = optional(CourseSettings), optional(ScheduleSettings)
    Loop, Machine = optional(LoopSettings), optional(MachineSettings)


def glue(
    *,
    model: Path,
    data: Path,
    output: Path,
    task: list[str] | None = None,
    mnli: Path | None = None,
    resume: bool = False,
    seeds: int | None = None,
    course: Annotated[Course | None, Parameter(name="*", group="Course")] = None,
    schedule: Annotated[Schedule | None, Parameter(name="*", group="Schedule")] = None,
    training: Annotated[Loop | None, Parameter(name="*", group="Training")] = None,
    machine: Annotated[Machine | None, Parameter(name="*", group="Machine")] = None,
) -> int:
    """Fine-tune a model on every task of GLUE whose files are there, and print the paper's row.

    RTE, MRPC and STS-B start from the model of MNLI, where there is one, as in the paper. What is
    given below holds for all tasks; what is not is the paper's, as in litebert finetune TASK.

    Args:
        model: Model folder to start from, or the run folder of litebert pretrain.
        data: GLUE's folder, with CoLA, SST-2, MRPC … in it.
        output: Folder to write: a run folder a task, glue.json, report.html and submission.zip.
        task: Run this task only, as often as wanted; by default all.
        mnli: A model tuned on MNLI to start RTE, MRPC and STS-B from, where MNLI is not run here.
        resume: Go on where an interrupted run in the output folder stopped.
        seeds: Run every task from so many seeds, each in a folder seed-N; the row has the medians.
    """
    sections = {"course": course, "schedule": schedule, "training": training, "machine": machine}
    asked = {name: given(values) for name, values in sections.items()}
    outcome = run_glue(model, data, output, asked, task or (), mnli, resume, seeds)
    if outcome.signal is not None:
        return 128 + outcome.signal
    for table in (outcome.all_scores(), outcome.table()):
        print_rows(table.columns, table.rows)
    for remark in outcome.remarks:
        console().print(remark, markup=False)
    missing = ", ".join(outcome.missing)
    facts = {"without files": missing} if missing else {}
    submission = output / SUBMISSION
    if submission.is_file():
        facts["to hand in"] = str(submission)
    print_facts({**facts, "report": str(output / "report.html")})
    return 0
