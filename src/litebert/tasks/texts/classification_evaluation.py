"""A classification measured on labelled examples: scores, the labels one by one, the mistakes.

Shapes: N examples, C classes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from litebert.report.page import Block, Fact, Figure, Section, Table
from litebert.report.plots import Level, confusion
from litebert.tasks.kind import Findings, Result
from litebert.tasks.lengths import LengthScore, length_section, score_lengths
from litebert.tasks.metrics import (
    ClassificationScores,
    FloatArray,
    accuracy,
    binary_f1,
    classification_scores,
    confusion_matrix,
    log_loss,
    macro_f1,
    matthews,
)
from litebert.tasks.texts.rows import shown_text
from litebert.tasks.words import markdown_table, percent, shortened

SHOWN_MISTAKES = 20
_TERMINAL_LABELS = 12  # a wider confusion matrix does not fit a terminal
_PAGE_LABELS = 64  # a larger one cannot be read on a page


def label_metrics(truth: ArrayLike, predicted: ArrayLike, classes: int) -> dict[str, float]:
    """All scores of predicted class indices (N,) by their names; F1 is that of the second label,
    and there where there are two."""
    found = {
        "accuracy": accuracy(truth, predicted),
        "macro_f1": macro_f1(confusion_matrix(truth, predicted, classes)),
        "matthews": matthews(truth, predicted),
    }
    return found if classes != 2 else {**found, "f1": binary_f1(truth, predicted)}


@dataclass(frozen=True)
class Mistake:
    """A row whose label the model missed: where it stands, what it took it for, how surely."""

    line: int
    text: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class ClassificationEvaluation:
    """Scores on labelled rows, beside what always naming the commonest label would score."""

    scores: ClassificationScores
    metrics: dict[str, float]
    loss: float
    majority_accuracy: float
    mistakes: tuple[Mistake, ...]
    """The surest ones first, at most `SHOWN_MISTAKES`."""
    lengths: tuple[LengthScore, ...]
    """Accuracy by length."""
    remarks: tuple[str, ...]

    @classmethod
    def of(
        cls,
        results: Sequence[Result],
        truth: Sequence[int],
        log_probabilities: FloatArray,
        labels: Sequence[str],
        remarks: Sequence[str],
    ) -> Self:
        """From true indices (N,) and log-probabilities (N, C)."""
        predicted = log_probabilities.argmax(axis=1)
        sureness = np.exp(log_probabilities.max(axis=1))
        missed = np.flatnonzero(predicted != np.asarray(truth))
        surest = missed[np.argsort(-sureness[missed], kind="stable")][:SHOWN_MISTAKES]
        return cls(
            classification_scores(truth, predicted, labels),
            label_metrics(truth, predicted, len(labels)),
            log_loss(truth, log_probabilities),
            Counter(truth).most_common(1)[0][1] / len(truth),
            tuple(
                Mistake(
                    results[i].example.line,
                    shown_text(results[i].example),
                    results[i].example.label,
                    labels[predicted[i]],
                    float(sureness[i]),
                )
                for i in surest
            ),
            score_lengths(
                results,
                lambda part: fmean(labels[r.value.argmax()] == r.example.label for r in part),
            ),
            tuple(remarks),
        )

    @property
    def examples(self) -> int:
        """How many rows there were."""
        return self.scores.examples

    @property
    def files(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON; without the texts of the mistakes."""
        return {
            **self.scores.as_dict(),
            **self.metrics,
            "loss": self.loss,
            "majority_accuracy": self.majority_accuracy,
            "remarks": list(self.remarks),
        }

    def findings(self, what: str = "rows") -> Findings:
        """Scores, the table of labels, the confusion matrix and the mistakes."""
        scores, majority = self.scores, self.majority_accuracy
        remarks = "".join(f" {remark}." for remark in self.remarks)
        return Findings(
            lead=f"The model gives {percent(scores.accuracy)} of {scores.examples:,} rows their "
            f"label; always naming the commonest would give {percent(majority)}.{remarks}",
            facts=[
                Fact("Accuracy", percent(scores.accuracy), f"{scores.examples:,} rows"),
                Fact("Macro-F1", percent(scores.macro_f1), f"{len(scores.classes)} labels"),
                Fact("Loss", self.loss, "nats a row"),
            ],
            sections=self._sections(),
            summary={
                "accuracy": f"{scores.accuracy:.4f} on {scores.examples:,} {what}",
                "macro-F1": f"{scores.macro_f1:.4f}",
                "Matthews": f"{self.metrics['matthews']:.4f}",
                "loss": f"{self.loss:.4f} nats a row",
                "commonest label": f"{majority:.4f} accuracy",
            },
            tables=self._terminal_tables(),
            card=self._card(),
            levels={"accuracy": Level("commonest label", majority)},
        )

    def _label_rows(self, form: Callable[[float], str]) -> list[list[str | int | float]]:
        return [
            [c.label, form(c.precision), form(c.recall), form(c.f1), c.support]
            for c in self.scores.classes
        ]

    def _terminal_tables(self) -> list[Table]:
        columns = ["label", "precision", "recall", "F1", "rows"]
        tables = [Table(columns, self._label_rows("{:.3f}".format))]
        if len(self.scores.classes) <= _TERMINAL_LABELS:
            labels = [c.label for c in self.scores.classes]
            rows: list[list[str | int | float]] = [
                [label, *counts]
                for label, counts in zip(labels, self.scores.confusion, strict=True)
            ]
            words = "Confusion: true labels down, predicted ones across"
            tables.append(Table(["", *labels], rows, words))
        return tables

    def _sections(self) -> list[Section]:
        labels = [c.label for c in self.scores.classes]
        columns = ["Label", "Precision", "Recall", "F1", "Rows"]
        blocks: list[Block] = [Table(columns, self._label_rows(percent))]
        if len(labels) <= _PAGE_LABELS:
            drawn = confusion(np.array(self.scores.confusion), labels)
            blocks.append(Figure(drawn, "Rows by their true label and the label the model gave."))
        lengths = length_section(self.lengths, "Accuracy", percent)
        sections = [Section("Labels", blocks), lengths]
        if self.mistakes:
            columns = ["Line", "Text", "Label", "Predicted", "Probability"]
            table = Table(columns, mistakes_as_rows(self), "Misses, the surest first.")
            sections.append(Section("Mistakes", [table]))
        return sections

    def _card(self) -> str:
        scores = self.scores
        table = markdown_table(
            ["label", "precision", "recall", "F1", "rows"], self._label_rows("{:.3f}".format)
        )
        return (
            f"Accuracy {scores.accuracy:.4f}, macro-F1 {scores.macro_f1:.4f}; always naming the "
            f"commonest label gives {self.majority_accuracy:.4f}. The checkpoint was chosen on "
            f"these rows, so expect somewhat less on new ones.\n\n{table}"
        )


def mistakes_as_rows(
    evaluation: ClassificationEvaluation, width: int = 160
) -> list[list[str | int | float]]:
    """The mistakes as rows of a table: line, text cut to `width`, true, predicted, probability."""
    rows: list[list[str | int | float]] = []
    for mistake in evaluation.mistakes:
        values = {**asdict(mistake), "text": shortened(mistake.text, width)}
        rows.append(list(values.values()))
    return rows
