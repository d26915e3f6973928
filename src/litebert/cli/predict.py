"""litebert predict: labels for new rows."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from litebert.foundation.progress import console
from litebert.foundation.settings import given, optional
from litebert.tasks.outputs import open_rows, output_format, predict_file, print_predictions
from litebert.tasks.placement import InferenceSettings
from litebert.tasks.predictor import load_predictor

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Inference = Settings
else:
    Inference = optional(InferenceSettings)


def predict(
    model: Path,
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    output: Path | None = None,
    text: str | None = None,
    pair: str | None = None,
    inference: Annotated[Inference | None, Parameter(name="*", group="Computation")] = None,
) -> None:
    """Predict the label of every row, with the probability of each label beside it.

    Written beside the input's columns are label, probability and the probabilities of all labels;
    a name that the input has already gets predicted_ before it. Large files are read as a stream.

    Args:
        model: Run folder of litebert finetune, or its model folder.
        file: Rows: .csv, .tsv, .jsonl, .txt (a text a line; each also .gz, .xz, .zst) or .parquet;
            - reads a text a line from standard input (for pairs two, with a tab between).
        output: File to write, .csv or .jsonl; without it, JSON lines go to standard output.
        text: The column that holds the text, where it is not the one the model was trained on.
        pair: The column that holds the second text, likewise.
    """
    if output is not None:
        output_format(output)
    predictor = load_predictor(model, InferenceSettings.parse(given(inference)))
    rows = open_rows(predictor, file, text, pair, sys.stdin.buffer)
    if output is None:
        tally = print_predictions(predictor, rows, sys.stdout)
    else:
        tally = predict_file(predictor, rows, output)
    for remark in tally.remarks(predictor.task.max_length):
        console().print(remark, markup=False)
