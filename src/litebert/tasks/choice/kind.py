"""Multiple choice: one of the options of a question about an article. Source: run_race.py.

The value of a result is the log-probability of every option, as many as the question has.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from litebert.encoder.models import ChoiceModel, Head
from litebert.foundation.errors import DataError
from litebert.inference.engine import Forward
from litebert.objectives import choice_sum
from litebert.tasks.choice.evaluation import ChoiceEvaluation, question_metrics
from litebert.tasks.choice.questions import LETTERS, ChoiceExample, encode_questions
from litebert.tasks.choice.table import check_options, columns_in, read_question, read_questions
from litebert.tasks.faults import Loaded
from litebert.tasks.features import Tally
from litebert.tasks.kind import CardWords, Encoded, Item, ItemBatch, Output, Result
from litebert.tasks.metrics import FloatArray
from litebert.tasks.tabular import Row, Table
from litebert.tasks.task import Prediction, Task
from litebert.text.tokenizer import Tokenizer
from litebert.training.step import LossTerm


class ChoiceTask(Task):
    """One of the options of a question, which may have any number of them from 2 to 26."""

    kind: Literal["choice"] = "choice"
    """What is predicted: one of a question's options."""
    article_column: str = "article"
    """The column that holds the text that is asked about."""
    question_column: str = "question"
    """The column that holds the question."""
    options_column: str = "options"
    """The column that holds the list of options, or what the names of columns with one option each
    begin with: `options` also stands for `option_a`, `option_b` …"""
    label_column: str = "answer"
    """The column that holds the letter or the text of the right option."""
    metric: str = "accuracy"
    """The score by which the best checkpoint was chosen."""


@dataclass(frozen=True, slots=True)
class ChoicePrediction(Prediction):
    """The likeliest option by its letter and its text, and the probability of each letter."""

    option: str


class Choice:
    """The kind of a task whose examples are `ChoiceExample`s."""

    name = "choice"
    head: Head = "choice"
    task = ChoiceTask
    terms = ("choice",)
    metrics: Mapping[str, bool] = {"accuracy": True}
    agree: Sequence[str] = ()

    def classes(self, task: ChoiceTask) -> int:
        """A score, for one option at a time."""
        return 1

    def forward(self, model: ChoiceModel) -> Forward:
        """The scores (B,)."""
        return model

    def chance_loss(self, task: ChoiceTask, items: Sequence[Item]) -> float:
        """That of options which are all as likely."""
        return sum(math.log(len(item.sequences)) for item in items) / len(items)

    def query(self, row: Any, task: ChoiceTask) -> ChoiceExample:
        """The example of a mapping with article, question and options, or of the three as a tuple.

        Raises DataError for anything else.
        """
        names = (task.article_column, task.question_column, task.options_column)
        if isinstance(row, Mapping):
            parts: Any = [row[name] for name in names if name in row]
        else:
            parts = row if isinstance(row, tuple | list) else ()
        match parts:
            case [str(article), str(question), list() | tuple() as options] if all(
                isinstance(option, str) for option in options
            ):
                check_options(options, "a row")
                return ChoiceExample("", article, question, tuple(options), None)
        form = ", ".join(f'"{name}"' for name in names)
        raise DataError(
            f"a row of this model is a mapping with {form}: a text, a text and a list of texts; "
            f"not {_described(row)}"
        )

    def columns(self, task: ChoiceTask) -> dict[str, str]:
        """Those with the article, the question and the options."""
        return {
            "article": task.article_column,
            "question": task.question_column,
            "options": task.options_column,
        }

    columns_in = staticmethod(columns_in)

    def from_table(self, table: Table, row: Row, columns: Mapping[str, str]) -> ChoiceExample:
        """The question of a row."""
        return read_question(table, row, columns)

    def read(
        self, path: Path, task: ChoiceTask, columns: Mapping[str, str], skip_bad: bool
    ) -> Loaded[ChoiceExample]:
        """The questions of a labelled table."""
        return read_questions(path, columns, skip_bad)

    def encode(
        self,
        examples: Iterable[ChoiceExample],
        task: ChoiceTask,
        tokenizer: Tokenizer,
        tally: Tally,
    ) -> Iterator[Encoded]:
        """A sequence an option, in order."""
        for question in encode_questions(examples, tokenizer, task.max_length):
            tally.rows += 1
            tally.cut += question.cut > 0
            yield Encoded(question)

    def items(self, example: ChoiceExample, encoded: Encoded, task: ChoiceTask) -> list[Item]:
        """The question with the index of its right option."""
        return [Item(encoded.sequences, example.label)]

    def losses(self, model: ChoiceModel, batch: ItemBatch) -> dict[str, LossTerm]:
        """The summed cross-entropy of the options of each question."""
        scores = model(batch.input_ids, batch.segment_ids, batch.layout)
        return {"choice": LossTerm(*choice_sum(scores, batch.sizes, batch.tensor(batch.targets)))}

    def decode(
        self,
        example: ChoiceExample,
        encoded: Encoded,
        outputs: Sequence[Sequence[Output]],
        task: ChoiceTask,
    ) -> FloatArray:
        """The log-probability of every option; of several models, of their mean probability."""
        scores = np.array(outputs, dtype=np.float64)  # (models, options)
        log_probabilities = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        mean: FloatArray = np.logaddexp.reduce(log_probabilities) - math.log(len(outputs))
        return mean

    def scores(self, results: Sequence[Result], task: ChoiceTask) -> dict[str, float]:
        """Loss and accuracy, and the accuracy of each level where there are several."""
        return question_metrics(results)

    def evaluate(
        self, results: Sequence[Result], task: ChoiceTask, remarks: Sequence[str]
    ) -> ChoiceEvaluation:
        """All scores, and the surest mistakes."""
        return ChoiceEvaluation.of(results, remarks)

    def finished(
        self, model: ChoiceModel, task: ChoiceTask, results: Sequence[Result]
    ) -> ChoiceTask:
        """The task as it is."""
        return task

    def prediction(self, result: Result, task: ChoiceTask) -> ChoicePrediction:
        """The likeliest option, and the probability of each."""
        options = result.example.options
        best = Prediction.of(LETTERS[: len(options)], np.exp(result.value).tolist())
        return ChoicePrediction(
            best.label, best.probability, best.probabilities, options[LETTERS.index(best.label)]
        )

    def cell_names(self, task: ChoiceTask) -> list[str]:
        """Letter and text of the option, its probability, and those of all by letter."""
        return ["label", "option", "probability", "probabilities"]

    def cells(self, prediction: ChoicePrediction, task: ChoiceTask) -> list[Any]:
        """The prediction in these columns."""
        return list(self.values(prediction, task).values())

    def values(self, prediction: ChoicePrediction, task: ChoiceTask) -> dict[str, Any]:
        """The same, by these names."""
        return {
            "label": prediction.label,
            "option": prediction.option,
            "probability": prediction.probability,
            "probabilities": prediction.probabilities,
        }

    def card(self, task: ChoiceTask) -> CardWords:
        """What is chosen, and from which columns."""
        article, question, options = self.columns(task).values()
        return CardWords(
            "multiple-choice",
            f"Chooses among the options of a question about an article (columns `{article}`, "
            f"`{question}` and `{options}`).",
            f'{{"{article}": "a text", "{question}": "What is asked?", '
            f'"{options}": ["one answer", "another"]}}',
            "AutoModelForMultipleChoice",
        )


CHOICE = Choice()


def _described(row: object) -> str:
    """What a row is, when it is not what it should be."""
    if not isinstance(row, Mapping):
        return f"a {type(row).__name__}"
    kinds = [f'"{name}" ({type(value).__name__})' for name, value in row.items()]
    return f"one with {', '.join(kinds) or 'nothing'}"
