"""What a task is: what its model reads and predicts, an example of it, and a prediction for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from litebert.foundation.errors import ConfigError, ModelFolderError
from litebert.foundation.settings import Settings


class Task(Settings):
    """What a fine-tuned model was trained to do; stored as `task.json` in its model folder.

    Each kind of task has its own fields beside these.
    """

    kind: str
    """What is predicted: the name of a kind in `litebert.tasks.kinds`."""
    dataset: str = ""
    """The named task whose data it was trained on; empty for a table of one's own."""
    max_length: int = Field(default=512, ge=3)
    """Tokens that a sequence may have, special tokens included; longer ones are cut."""
    metric: str = ""
    """The score by which the best checkpoint was chosen."""

    @classmethod
    def stored(cls, values: dict[str, Any], folder: object) -> Self:
        """The task of a model folder from its `task.json`'s content.

        Raises ModelFolderError where a field is unknown or does not fit.
        """
        try:
            return cls.parse(values, f"{folder}/task.json")
        except ConfigError as problem:
            raise ModelFolderError(str(problem)) from None

    def as_dict(self) -> dict[str, Any]:
        """The task as plain values, for JSON."""
        return self.model_dump(mode="json")


class TextTask(Task):
    """A task whose examples are rows of a table: a text, or a pair of texts."""

    text_column: str = "text"
    """The column that holds the text."""
    pair_column: str | None = None
    """The column that holds the second text of a pair."""
    label_column: str = "label"
    """The column that holds the label."""


class ClassificationTask(TextTask):
    """One label a row."""

    kind: Literal["classification"] = "classification"
    """What is predicted: one label a row."""
    labels: tuple[str, ...] = Field(min_length=2)
    """The labels, in the order of the model's outputs."""
    metric: str = "accuracy"
    """The score by which the best checkpoint was chosen."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("the labels must differ from each other")
        return self

    @model_validator(mode="after")
    def _f1_is_of_two(self) -> Self:
        if self.metric == "f1" and len(self.labels) != 2:
            raise ValueError(
                f"metric: f1 is that of the second of two labels, and here are {len(self.labels)}: "
                "macro_f1 is the mean over all"
            )
        return self


class RegressionTask(TextTask):
    """One number a row."""

    kind: Literal["regression"] = "regression"
    """What is predicted: one number a row."""
    score_range: tuple[float, float] | None = None
    """The least and the greatest number there is, where that is known."""
    center: float = 0.0
    """What is added to the model's output, after the scale."""
    scale: float = Field(default=1.0, gt=0)
    """What the model's output is multiplied with."""
    metric: str = "pearson"
    """The score by which the best checkpoint was chosen."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a table, labelled or not; `line` is where it stands there, from 1."""

    text: str
    pair: str | None = None
    label: str = ""
    line: int = 0

    @property
    def score(self) -> float:
        """The label of a regression task as a number."""
        return float(self.label)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The likeliest label of a row, its probability, and the probability of every label."""

    label: str
    probability: float
    probabilities: dict[str, float]

    @classmethod
    def of(cls, labels: Sequence[str], probabilities: Sequence[float]) -> Self:
        """Choose the likeliest of `labels`, the first one on a tie."""
        best = max(range(len(labels)), key=lambda i: probabilities[i])
        return cls(labels[best], probabilities[best], dict(zip(labels, probabilities, strict=True)))


@dataclass(frozen=True, slots=True)
class NumberPrediction:
    """The number that is predicted for a row."""

    score: float
