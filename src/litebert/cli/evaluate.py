"""litebert evaluate: scores of a fine-tuned model on labelled rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from litebert.cli.scores import print_scores
from litebert.foundation.settings import given, optional
from litebert.tasks.evaluation import evaluate_file
from litebert.tasks.pages import write_evaluation
from litebert.tasks.placement import InferenceSettings
from litebert.tasks.predictor import load_predictor

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Inference = Settings
else:
    Inference = optional(InferenceSettings)


def evaluate(
    model: Path,
    file: Path,
    /,
    *,
    output: Path | None = None,
    text: str | None = None,
    label: str | None = None,
    pair: str | None = None,
    inference: Annotated[Inference | None, Parameter(name="*", group="Computation")] = None,
) -> None:
    """Score a fine-tuned model on labelled rows: accuracy, macro-F1, labels, confusion matrix.

    Args:
        model: Run folder of litebert finetune, or its model folder.
        file: Labelled rows: .csv, .tsv, .jsonl (each also .gz, .xz, .zst) or .parquet.
        output: Folder to write metrics.json and report.html into.
        text: The column that holds the text, where it is not the one the model was trained on.
        label: The column that holds the label, likewise.
        pair: The column that holds the second text, likewise.
    """
    predictor = load_predictor(model, InferenceSettings.parse(given(inference)))
    evaluation = evaluate_file(predictor, file, text, label, pair)
    facts = {}
    if output is not None:
        write_evaluation(output, model, file, predictor.task, evaluation)
        facts = {"metrics": str(output / "metrics.json"), "report": str(output / "report.html")}
    print_scores(evaluation, f"rows of {file.name}", facts)
