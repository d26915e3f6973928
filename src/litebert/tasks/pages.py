"""What tasks leave to read: `metrics.json` and the page of a fine-tuning run or an evaluation."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from litebert.foundation.files import atomic_folder, write_json
from litebert.foundation.progress import duration
from litebert.report.history import History, Line, alarm_blocks, learning_curves
from litebert.report.page import (
    Block,
    Fact,
    Facts,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    write_report,
)
from litebert.report.plots import Level, confusion
from litebert.tasks.evaluation import Evaluation, mistakes_as_rows
from litebert.tasks.task import Task
from litebert.training.journal import METRICS, read_metrics
from litebert.training.run_folder import RunRecord

REPORT = "report.html"
METRICS_JSON = "metrics.json"
_CONFUSION_LIMIT = 64  # classes; a larger matrix cannot be read on a page


def write_results(
    folder: Path, record: RunRecord, evaluation: Evaluation, step: int, best_step: int
) -> None:
    """Write `metrics.json` and `report.html` of a fine-tuning run that stands at `step`."""
    values = {"step": step, "best_step": best_step, **evaluation.as_dict()}
    write_json(folder / METRICS_JSON, values)
    history = History.of(folder.name, read_metrics(folder / METRICS))
    levels = {"accuracy": Level("commonest label", evaluation.majority_accuracy)}
    figures = learning_curves(history, levels, evaluated="validation")
    resolved = record.resolved
    facts = [
        *_facts(evaluation),
        Fact("Best step", best_step, f"of {resolved['total_steps']:,}"),
        Fact("Training rows", resolved["rows"]["training"], _spent(history.train)),
    ]
    write_report(
        folder / REPORT,
        "Fine-tuning",
        f"{folder.name} · {_model_words(resolved)}",
        [
            Section("On the validation rows", [_lead(evaluation), Facts(facts)]),
            Section("Curves", [*alarm_blocks(history), Figures(figures)]),
            *_score_sections(evaluation),
            Section("Settings", [_settings_table(record)]),
        ],
    )


def write_evaluation(
    folder: Path, model: Path, file: Path, task: Task, evaluation: Evaluation
) -> None:
    """Write `metrics.json` and `report.html` of an evaluation into a vacant folder.

    Raises StorageError where it holds something already.
    """
    with atomic_folder(folder) as new:
        values = {"model": str(model), "file": str(file), **evaluation.as_dict()}
        write_json(new / METRICS_JSON, values)
        write_report(
            new / REPORT,
            "Evaluation",
            f"{model} on {file.name}, labels in {task.label_column}",
            [
                Section("Scores", [_lead(evaluation), Facts(_facts(evaluation))]),
                *_score_sections(evaluation),
            ],
        )


def percent(share: float) -> str:
    """A share as '12.3 %'."""
    return f"{100 * share:.1f} %"


def _lead(evaluation: Evaluation) -> Paragraph:
    scores = evaluation.scores
    remarks = "".join(f" {remark}." for remark in evaluation.remarks)
    return Paragraph(
        f"The model gives {percent(scores.accuracy)} of {scores.examples:,} rows their label; "
        f"always naming the commonest would give {percent(evaluation.majority_accuracy)}.{remarks}",
        lead=True,
    )


def _facts(evaluation: Evaluation) -> list[Fact]:
    scores = evaluation.scores
    return [
        Fact("Accuracy", percent(scores.accuracy), f"{scores.examples:,} rows"),
        Fact("Macro-F1", percent(scores.macro_f1), f"{len(scores.classes)} labels"),
        Fact("Loss", evaluation.loss, "nats a row"),
    ]


def _score_sections(evaluation: Evaluation) -> list[Section]:
    """The table of the labels, the confusion matrix, and the surest mistakes."""
    scores = evaluation.scores
    rows: list[list[str | int | float]] = [
        [c.label, percent(c.precision), percent(c.recall), percent(c.f1), c.support]
        for c in scores.classes
    ]
    columns = ["Label", "Precision", "Recall", "F1", "Rows"]
    blocks: list[Block] = [Table(columns, rows)]
    if len(scores.classes) <= _CONFUSION_LIMIT:
        labels = [c.label for c in scores.classes]
        drawn = confusion(np.array(scores.confusion), labels)
        blocks.append(Figure(drawn, "Rows by their true label and the label the model gave."))
    sections = [Section("Labels", blocks)]
    if evaluation.mistakes:
        columns = ["Line", "Text", "Label", "Predicted", "Probability"]
        table = Table(columns, mistakes_as_rows(evaluation), "Misses, the surest first.")
        sections.append(Section("Mistakes", [table]))
    return sections


def _spent(train: Sequence[Line]) -> str:
    return f"{duration(train[-1]['seconds'])} of training" if train else ""


def _model_words(resolved: dict[str, Any]) -> str:
    start = "random weights" if resolved["start"] is None else resolved["start"]
    return f"{resolved['parameters']:,} parameters from {start}, {resolved['machine']['precision']}"


def _settings_table(record: RunRecord) -> Table:
    rows: list[list[str | int | float]] = []
    for section, values in record.settings.items():
        rows += [[section, key, json.dumps(value)] for key, value in values.items()]
    rows += [["machine, resolved", k, json.dumps(v)] for k, v in record.resolved["machine"].items()]
    return Table(["Section", "Setting", "Value"], rows)
