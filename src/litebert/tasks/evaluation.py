"""A fine-tuned model measured on labelled rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from litebert.tasks.examples import check_labels, read_examples
from litebert.tasks.features import Tally
from litebert.tasks.metrics import ClassificationScores, classification_scores, log_loss
from litebert.tasks.predictor import Predictor
from litebert.tasks.task import Example

SHOWN_MISTAKES = 20


@dataclass(frozen=True)
class Mistake:
    """A row whose label the model missed: where it stands, what it took it for, how surely."""

    line: int
    text: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Evaluation:
    """Scores on labelled rows, beside what always naming the commonest label would score."""

    scores: ClassificationScores
    loss: float
    majority_accuracy: float
    mistakes: tuple[Mistake, ...]
    """The surest ones first, at most `SHOWN_MISTAKES`."""
    remarks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON; without the texts of the mistakes."""
        return {
            **self.scores.as_dict(),
            "loss": self.loss,
            "majority_accuracy": self.majority_accuracy,
            "remarks": list(self.remarks),
        }


def evaluate_file(
    predictor: Predictor,
    path: Path,
    text_column: str | None = None,
    label_column: str | None = None,
    pair_column: str | None = None,
) -> Evaluation:
    """Evaluate on a labelled table; columns are the task's own unless given.

    Raises DataError where the table cannot be read, or has labels that training has not seen.
    """
    task = predictor.task
    pair = (pair_column or task.pair_column) if task.pair_column is not None else None
    examples = read_examples(
        path, text_column or task.text_column, label_column or task.label_column, pair
    )
    check_labels(examples, task.labels, path)
    return evaluate(predictor, examples)


def evaluate(predictor: Predictor, examples: Sequence[Example]) -> Evaluation:
    """Evaluate on one or more examples, whose labels the task knows."""
    labels, tally = predictor.task.labels, Tally()
    texts = ((example.text, example.pair) for example in examples)
    log_probabilities = np.stack(list(predictor.log_probabilities(texts, tally)))  # (N, C)
    index = {label: i for i, label in enumerate(labels)}
    truth = np.array([index[example.label] for example in examples])
    predicted = log_probabilities.argmax(axis=1)
    sureness = np.exp(log_probabilities.max(axis=1))
    missed = np.flatnonzero(predicted != truth)
    surest = missed[np.argsort(-sureness[missed], kind="stable")][:SHOWN_MISTAKES]
    return Evaluation(
        classification_scores(truth, predicted, labels),
        log_loss(truth, log_probabilities),
        Counter(truth.tolist()).most_common(1)[0][1] / len(examples),
        tuple(
            Mistake(
                examples[i].line,
                " ‖ ".join(filter(None, (examples[i].text, examples[i].pair))),
                examples[i].label,
                labels[predicted[i]],
                float(sureness[i]),
            )
            for i in surest
        ),
        tuple(tally.remarks(predictor.task.max_length)),
    )


def mistakes_as_rows(evaluation: Evaluation, width: int = 160) -> list[list[str | int | float]]:
    """The mistakes as rows of a table: line, text cut to `width`, true, predicted, probability."""
    rows: list[list[str | int | float]] = []
    for mistake in evaluation.mistakes:
        values = asdict(mistake)
        text = " ".join(mistake.text.split())
        values["text"] = text if len(text) <= width else text[: width - 1] + "…"
        rows.append(list(values.values()))
    return rows
