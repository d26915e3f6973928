"""litebert predict: labels, numbers or answers for new rows."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from litebert.foundation.errors import ConfigError
from litebert.foundation.progress import console
from litebert.foundation.settings import given, optional
from litebert.tasks.named import NamedTask, task_of_data
from litebert.tasks.prediction.outputs import (
    open_rows,
    output_format,
    predict_file,
    print_predictions,
)
from litebert.tasks.prediction.placement import InferenceSettings
from litebert.tasks.prediction.predictor import Predictor, load_predictor
from litebert.tasks.settings import ColumnSettings
from litebert.tasks.tabular import is_table

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Columns = Settings
    Inference = Settings
else:
    Columns = optional(ColumnSettings)
    Inference = optional(InferenceSettings)


def predict(
    model: Path,
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
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
    """Predict every row of a table, or the official test files of the model's task.

    Written beside the input's columns are, for a classification or a choice, label, probability and
    the probabilities of all labels, for questions the answer and where it stands; a name that the
    input has already gets predicted_ before it. Large files are read as a stream. Official test
    files become what the task's site takes.

    Args:
        model: Run folder of litebert finetune, or its model folder.
        file: Rows: .csv, .tsv, .jsonl, .txt (a text a line; each also .gz, .xz, .zst) or .parquet.
            The name "-" stands for standard input, a text a line (for pairs two, with a tab
            between). For a task that goes by a name, the folder with its official files.
        output: File to write, .csv or .jsonl; without it, JSON lines go to standard output. For
            official files, what the task's site takes: a .zip of GLUE, a .json of SQuAD; of RACE
            .jsonl or .csv.
        task: The task whose official files these are, where it is not the model's own.
        split: Which of the official files; by default all that are handed in.
        skip_bad: Leave out official rows that cannot be used, and count them.
        others: Another fine-tuned model, as often as wanted: all are averaged and answer as one.
    """
    official = task is not None or not (str(file) == "-" or is_table(file))
    if output is not None and not official:
        output_format(output)
    predictor = load_predictor([model, *(others or [])], InferenceSettings.parse(given(inference)))
    if official:
        hand_in(predictor, task_of_data(predictor, file, task), file, output, split, skip_bad)
        return
    rows = open_rows(predictor, file, given(columns), sys.stdin.buffer)
    if output is None:
        tally = print_predictions(predictor, rows, sys.stdout)
    else:
        tally = predict_file(predictor, rows, output)
    for remark in tally.remarks(predictor.task.max_length):
        console().print(remark, markup=False)


def hand_in(
    predictor: Predictor,
    task: NamedTask,
    data: Path,
    output: Path | None,
    split: str | None,
    skip_bad: bool,
) -> None:
    """Write predictions of a task's official files. Raises ConfigError without a file to write."""
    if output is None:
        raise ConfigError(f"predictions of {task.name} are a file to hand in: name it (--output)")
    for remark in task.submit(predictor, data, output, split, skip_bad):
        console().print(remark, markup=False)
