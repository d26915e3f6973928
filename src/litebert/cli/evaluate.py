"""litebert evaluate: scores of a fine-tuned model on labelled rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from litebert.cli.scores import print_scores
from litebert.foundation.files import require_vacant
from litebert.foundation.settings import given, optional
from litebert.tasks.named import task_of_data
from litebert.tasks.prediction.evaluation import evaluate_file
from litebert.tasks.prediction.pages import write_evaluation
from litebert.tasks.prediction.placement import InferenceSettings
from litebert.tasks.prediction.predictor import load_predictor
from litebert.tasks.settings import ColumnSettings
from litebert.tasks.tabular import is_table

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Columns = Settings
    Inference = Settings
else:
    Columns = optional(ColumnSettings)
    Inference = optional(InferenceSettings)


def evaluate(
    model: Path,
    data: Path,
    /,
    *,
    output: Path | None = None,
    task: str | None = None,
    split: str | None = None,
    skip_bad: bool = False,
    others: Annotated[list[Path] | None, Parameter(name="--with")] = None,
    columns: Annotated[Columns | None, Parameter(name="*", group="Columns")] = None,
    inference: Annotated[Inference | None, Parameter(name="*", group="Computation")] = None,
) -> None:
    """Score a fine-tuned model on labelled rows, or on the official files of its task.

    Args:
        model: Run folder of litebert finetune, or its model folder.
        data: Labelled rows: .csv, .tsv, .jsonl (each also .gz, .xz, .zst) or .parquet; for a task
            that goes by a name, the folder with its official files.
        output: Folder to write metrics.json and report.html into.
        task: The task whose official files these are, where it is not the model's own.
        split: Which of the official files; by default all that are for evaluation.
        skip_bad: Leave out rows that cannot be used, and count them.
        others: Another fine-tuned model, as often as wanted: all are averaged and scored as one.
    """
    if output is not None:
        require_vacant(output)
    predictor = load_predictor([model, *(others or [])], InferenceSettings.parse(given(inference)))
    names = " with ".join(map(str, [model, *(others or [])]))
    if task is None and is_table(data):
        found = {"": evaluate_file(predictor, data, given(columns), skip_bad)}
        name = data.name
    else:
        named = task_of_data(predictor, data, task)
        found = dict(named.evaluate(predictor, data, split, skip_bad))
        name = named.name
    for part, evaluation in found.items():
        facts = {}
        if output is not None:
            place = output if len(found) == 1 else output / part
            write_evaluation(place, names, str(data), evaluation)
            facts = {"metrics": str(place / "metrics.json"), "report": str(place / "report.html")}
        rows = f"rows of {name}, {part}" if part else f"rows of {name}"
        print_scores(evaluation, rows, facts)
