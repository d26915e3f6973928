"""What a task is: its labels and columns, an example of it, and a prediction for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from litebert.foundation.errors import ConfigError, ModelFolderError
from litebert.foundation.settings import Settings

Metric = Literal["accuracy", "macro_f1"]


class Task(Settings):
    """What a fine-tuned model was trained to do; stored as `task.json` in its model folder."""

    kind: Literal["classification"] = "classification"
    """What is predicted: one label a row."""
    labels: tuple[str, ...] = Field(min_length=2)
    """The labels, in the order of the model's outputs."""
    text_column: str = "text"
    """The column that holds the text."""
    pair_column: str | None = None
    """The column that holds the second text of a pair."""
    label_column: str = "label"
    """The column that holds the label."""
    max_length: int = Field(default=512, ge=3)
    """Tokens that a row may have, special tokens included; longer ones are cut."""
    metric: Metric = "accuracy"
    """The score by which the best checkpoint was chosen."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("the labels must differ from each other")
        return self

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


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled row of a table; `line` is where it stands there, from 1."""

    text: str
    pair: str | None
    label: str
    line: int = 0


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
