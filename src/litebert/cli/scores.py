"""Scores of a classification in the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from litebert.cli.facts import print_facts
from litebert.foundation.progress import console as remarks_console
from litebert.tasks.evaluation import Evaluation

_CONFUSION_LIMIT = 12  # labels; a wider matrix does not fit a terminal


def print_scores(evaluation: Evaluation, rows: str, facts: Mapping[str, str]) -> None:
    """Print accuracy, macro-F1, the table of labels and the confusion matrix, then the `facts`."""
    console, scores = Console(highlight=False), evaluation.scores
    console.print(_labels(evaluation))
    if len(scores.classes) <= _CONFUSION_LIMIT:
        console.print("Confusion: true labels down, predicted ones across")
        console.print(_confusion(evaluation))
    summary = {
        "accuracy": f"{scores.accuracy:.4f} on {scores.examples:,} {rows}",
        "macro-F1": f"{scores.macro_f1:.4f}",
        "loss": f"{evaluation.loss:.4f} nats a row",
        "commonest label": f"{evaluation.majority_accuracy:.4f} accuracy",
        **facts,
    }
    print_facts(summary)
    for remark in evaluation.remarks:
        remarks_console().print(remark, markup=False)


def _labels(evaluation: Evaluation) -> Table:
    table = Table()
    table.add_column("label", overflow="fold")
    for column in ("precision", "recall", "F1", "rows"):
        table.add_column(column, justify="right")
    for row in evaluation.scores.classes:
        shares = (f"{share:.3f}" for share in (row.precision, row.recall, row.f1))
        table.add_row(_plain(row.label), *shares, f"{row.support:,}")
    return table


def _confusion(evaluation: Evaluation) -> Table:
    labels = [_plain(row.label) for row in evaluation.scores.classes]
    table = Table()
    table.add_column("")
    for label in labels:
        table.add_column(label, justify="right")
    for label, counts in zip(labels, evaluation.scores.confusion, strict=True):
        table.add_row(label, *(f"{count:,}" for count in counts))
    return table


def _plain(label: str) -> str:
    """A label with no mark-up for rich to read, on one line."""
    return escape(" ".join(label.split()))
