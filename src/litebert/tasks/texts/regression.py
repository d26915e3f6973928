"""Regression: a number for a text or a pair of texts, as in the original's run_classifier.py.

Shapes: B examples. The value of a result is the number, in the scores' own units. The model may
learn other units, centred and scaled; in the end they are folded into its head.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, pvariance

import torch

from litebert.encoder.models import ClassificationModel, Head
from litebert.inference.engine import Forward
from litebert.objectives import squared_error_sum
from litebert.tasks.faults import Loaded
from litebert.tasks.kind import CardWords, Encoded, Item, ItemBatch, Output, Result
from litebert.tasks.tabular import columns_in
from litebert.tasks.task import Example, NumberPrediction, RegressionTask
from litebert.tasks.texts import rows
from litebert.tasks.texts.examples import read_examples
from litebert.tasks.texts.regression_evaluation import RegressionEvaluation, number_metrics
from litebert.training.step import LossTerm


class Regression:
    """The kind of a task whose examples are `Example`s with a number for a label."""

    name = "regression"
    head: Head = "classification"
    task = RegressionTask
    terms = ("score",)
    metrics: Mapping[str, bool] = {"pearson": True, "spearman": True, "mse": False}

    agree: Sequence[str] = ()

    query = staticmethod(rows.query)
    columns = staticmethod(rows.columns)
    columns_in = staticmethod(columns_in)
    from_table = staticmethod(rows.from_table)
    encode = staticmethod(rows.encode)

    def classes(self, task: RegressionTask) -> int:
        """One output, which transformers takes for a regression."""
        return 1

    def forward(self, model: ClassificationModel) -> Forward:
        """The output (B, 1)."""
        return model

    def chance_loss(self, task: RegressionTask, items: Sequence[Item]) -> float:
        """The variance of the targets."""
        targets: list[float] = [item.target for item in items]
        return pvariance(targets)

    def read(
        self, path: Path, task: RegressionTask, columns: Mapping[str, str], skip_bad: bool
    ) -> Loaded[Example]:
        """The rows of a table with numbers for labels."""
        pair = columns.get("pair")
        return read_examples(path, columns["text"], columns["label"], pair, skip_bad, number=True)

    def items(self, example: Example, encoded: Encoded, task: RegressionTask) -> list[Item]:
        """The example with its number, centred and scaled."""
        return [Item(encoded.sequences, (example.score - task.center) / task.scale)]

    def losses(self, model: ClassificationModel, batch: ItemBatch) -> dict[str, LossTerm]:
        """The summed squared error."""
        outputs = model(batch.input_ids, batch.segment_ids, batch.layout).squeeze(-1)  # (B,)
        targets = batch.tensor(batch.targets, torch.float32)
        return {"score": LossTerm(squared_error_sum(outputs, targets))}

    def decode(
        self,
        example: Example,
        encoded: Encoded,
        outputs: Sequence[Sequence[Output]],
        task: RegressionTask,
    ) -> float:
        """The number; of several models, the mean of theirs."""
        return task.center + task.scale * fmean(float(row[0]) for (row,) in outputs)

    def scores(self, results: Sequence[Result], task: RegressionTask) -> dict[str, float]:
        """The loss as in training, Pearson, Spearman and the mean squared error."""
        found = number_metrics([r.example.score for r in results], [r.value for r in results])
        return {"loss": found["mse"] / task.scale**2, **found}

    def evaluate(
        self, results: Sequence[Result], task: RegressionTask, remarks: Sequence[str]
    ) -> RegressionEvaluation:
        """All scores, and the largest errors."""
        return RegressionEvaluation.of(results, remarks)

    def finished(
        self, model: ClassificationModel, task: RegressionTask, results: Sequence[Result]
    ) -> RegressionTask:
        """The model then gives the scores themselves: centre and scale move into its head."""
        with torch.no_grad():
            model.classifier.weight.mul_(task.scale)
            model.classifier.bias.mul_(task.scale).add_(task.center)
        return task.changed(center=0.0, scale=1.0)

    def prediction(self, result: Result, task: RegressionTask) -> NumberPrediction:
        """The number, as the model gives it."""
        return NumberPrediction(result.value)

    def cell_names(self, task: RegressionTask) -> list[str]:
        """One column."""
        return ["score"]

    def cells(self, prediction: NumberPrediction, task: RegressionTask) -> list[float]:
        """The number."""
        return [prediction.score]

    def values(self, prediction: NumberPrediction, task: RegressionTask) -> dict[str, float]:
        """The number."""
        return {"score": prediction.score}

    def card(self, task: RegressionTask) -> CardWords:
        """From which columns, and in which range."""
        pair, span = task.pair_column, task.score_range
        columns = f"`{task.text_column}`" + (f" and `{pair}`" if pair else "")
        between = f" between {span[0]:g} and {span[1]:g}" if span else ""
        return CardWords(
            "text-classification",
            f"Gives {'pairs of texts' if pair else 'texts'} (columns {columns}) a number"
            f"{between} (column `{task.label_column}`).",
            '("a text", "a second text")' if pair else '"a text"',
            "AutoModelForSequenceClassification",
        )


REGRESSION = Regression()
