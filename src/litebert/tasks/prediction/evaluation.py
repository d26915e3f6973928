"""A fine-tuned model measured on labelled examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from litebert.tasks.features import Tally
from litebert.tasks.kind import Evaluation
from litebert.tasks.prediction.predictor import Predictor


def evaluate_file(
    predictor: Predictor,
    path: Path,
    columns: Mapping[str, str] | None = None,
    skip_bad: bool = False,
) -> Evaluation:
    """Evaluate on a labelled table; columns ("text", "label" …) are the task's own unless given.

    Raises ConfigError for a column that the model has no use for, DataError where the table cannot
    be read, or has labels that training has not seen; bad rows are left out and counted with
    `skip_bad`.
    """
    task, kind = predictor.task, predictor.kind
    given = dict(columns or {})
    label = given.pop("label", getattr(task, "label_column", "label"))
    chosen = {**predictor.columns(given), "label": label}
    loaded = kind.read(path, task, chosen, skip_bad)
    remarks = [loaded.remark] if loaded.remark else []
    return evaluate(predictor, loaded.examples, remarks)


def evaluate(
    predictor: Predictor, examples: Sequence[Any], remarks: Sequence[str] = ()
) -> Evaluation:
    """Evaluate on one or more examples, whose labels the task knows."""
    tally = Tally()
    results = list(predictor.results(examples, tally))
    said = [*remarks, *tally.remarks(predictor.task.max_length)]
    return predictor.kind.evaluate(results, predictor.task, said)
