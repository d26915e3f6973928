"""Classification: one label for a text or a pair of texts, as in the original's run_classifier.py.

Shapes: B examples, C classes. The value of a result is the log-probability of every label (C,).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from litebert.encoder.models import ClassificationModel, Head
from litebert.inference.engine import Forward
from litebert.objectives import classification_sum
from litebert.tasks.faults import Loaded
from litebert.tasks.kind import CardWords, Encoded, Item, ItemBatch, Output, Result
from litebert.tasks.metrics import FloatArray, log_loss
from litebert.tasks.tabular import columns_in
from litebert.tasks.task import ClassificationTask, Example, Prediction
from litebert.tasks.texts import rows
from litebert.tasks.texts.classification_evaluation import ClassificationEvaluation, label_metrics
from litebert.tasks.texts.examples import check_labels, read_examples
from litebert.tasks.words import markdown_cell
from litebert.training.step import LossTerm

_SHOWN_LABELS = 50


class Classification:
    """The kind of a task whose examples are `Example`s with one of the task's labels."""

    name = "classification"
    head: Head = "classification"
    task = ClassificationTask
    terms = ("label",)
    metrics: Mapping[str, bool] = {"accuracy": True, "macro_f1": True, "matthews": True, "f1": True}

    agree = ("labels",)

    query = staticmethod(rows.query)
    columns = staticmethod(rows.columns)
    columns_in = staticmethod(columns_in)
    from_table = staticmethod(rows.from_table)
    encode = staticmethod(rows.encode)

    def classes(self, task: ClassificationTask) -> int:
        """An output for each label."""
        return len(task.labels)

    def forward(self, model: ClassificationModel) -> Forward:
        """The logits (B, C)."""
        return model

    def chance_loss(self, task: ClassificationTask, items: Sequence[Item]) -> float:
        """The entropy of the labels."""
        counts = Counter(item.target for item in items).values()
        return -sum(n / len(items) * math.log(n / len(items)) for n in counts)

    def read(
        self, path: Path, task: ClassificationTask, columns: Mapping[str, str], skip_bad: bool
    ) -> Loaded[Example]:
        """The rows of a labelled table, whose labels must be the task's."""
        pair = columns.get("pair")
        loaded = read_examples(path, columns["text"], columns["label"], pair, skip_bad)
        check_labels(loaded.examples, task.labels, path)
        return loaded

    def items(self, example: Example, encoded: Encoded, task: ClassificationTask) -> list[Item]:
        """The example with the index of its label."""
        return [Item(encoded.sequences, task.labels.index(example.label))]

    def losses(self, model: ClassificationModel, batch: ItemBatch) -> dict[str, LossTerm]:
        """The summed cross-entropy."""
        logits = model(batch.input_ids, batch.segment_ids, batch.layout)
        return {"label": LossTerm(*classification_sum(logits, batch.tensor(batch.targets)))}

    def decode(
        self,
        example: Example,
        encoded: Encoded,
        outputs: Sequence[Sequence[Output]],
        task: ClassificationTask,
    ) -> FloatArray:
        """The log-probability of every label (C,); of several models, of their mean probability."""
        each = [_log_softmax(logits) for (logits,) in outputs]
        if len(each) == 1:
            return each[0]
        mean: FloatArray = np.logaddexp.reduce(each) - math.log(len(each))
        return mean

    def scores(self, results: Sequence[Result], task: ClassificationTask) -> dict[str, float]:
        """Loss, accuracy, macro-F1, and the task's own metric."""
        truth, log_probabilities = _compared(results, task)
        found = label_metrics(truth, log_probabilities.argmax(axis=1), len(task.labels))
        wanted = dict.fromkeys(("accuracy", "macro_f1", task.metric))
        return {
            "loss": log_loss(truth, log_probabilities),
            **{name: found[name] for name in wanted},
        }

    def evaluate(
        self, results: Sequence[Result], task: ClassificationTask, remarks: Sequence[str]
    ) -> ClassificationEvaluation:
        """All scores, and the surest mistakes."""
        truth, log_probabilities = _compared(results, task)
        return ClassificationEvaluation.of(results, truth, log_probabilities, task.labels, remarks)

    def finished(
        self, model: ClassificationModel, task: ClassificationTask, results: Sequence[Result]
    ) -> ClassificationTask:
        """The task as it is."""
        return task

    def prediction(self, result: Result, task: ClassificationTask) -> Prediction:
        """The likeliest label, and the probability of each."""
        return Prediction.of(task.labels, np.exp(result.value).tolist())

    def cell_names(self, task: ClassificationTask) -> list[str]:
        """Label, probability, and a column of probabilities for each label."""
        return ["label", "probability", *(f"probability_{label}" for label in task.labels)]

    def cells(self, prediction: Prediction, task: ClassificationTask) -> list[str | float]:
        """The prediction in these columns."""
        return [prediction.label, prediction.probability, *prediction.probabilities.values()]

    def values(self, prediction: Prediction, task: ClassificationTask) -> dict[str, object]:
        """The same with the labels' probabilities as an object of their own."""
        return {
            "label": prediction.label,
            "probability": prediction.probability,
            "probabilities": prediction.probabilities,
        }

    def card(self, task: ClassificationTask) -> CardWords:
        """Which labels, from which columns."""
        labels = [f"`{markdown_cell(label)}`" for label in task.labels[:_SHOWN_LABELS]]
        more = len(task.labels) - len(labels)
        listed = ", ".join(labels) + (f" and {more} more" if more > 0 else "")
        pair = task.pair_column
        columns = f"`{task.text_column}`" + (f" and `{pair}`" if pair else "")
        return CardWords(
            "text-classification",
            f"Classifies {'pairs of texts' if pair else 'texts'} (columns {columns}) into "
            f"{len(task.labels)} labels: {listed}.",
            '("a text", "a second text")' if pair else '"a text"',
            "AutoModelForSequenceClassification",
        )


CLASSIFICATION = Classification()


def _compared(results: Sequence[Result], task: ClassificationTask) -> tuple[list[int], FloatArray]:
    """The index of each example's label (N,), and all log-probabilities (N, C)."""
    index = {label: i for i, label in enumerate(task.labels)}
    truth = [index[result.example.label] for result in results]
    return truth, np.stack([result.value for result in results])


def _log_softmax(logits: Output) -> FloatArray:
    wide = logits.astype(np.float64)
    shifted = wide - wide.max()
    log_probabilities: FloatArray = shifted - np.log(np.exp(shifted).sum())
    return log_probabilities
