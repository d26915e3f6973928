"""What a kind of task has to say of itself, so that everything else can do without its name.

A *kind* (classification, regression, choice, span …) is one object with the members of `Kind`,
and a row of the table in `kinds.py`. Training (`finetuning/`), inference, evaluation and
pages (`prediction/`) know this protocol alone.
Where the examples come from is a *source*'s matter (`source.py`).

The way of an example, from left to right:

    example ─ encode ─▶ Encoded: token sequences   ─ items ─▶ Items with targets ─ losses ─▶ loss
                        └─ forward ─▶ a row a sequence ─ decode ─▶ value: a Result
    Results ─ scores ─▶ numbers by name      Results ─ evaluate ─▶ Evaluation, to be shown
    value ─ prediction ─▶ what the user gets

What an example is, what `Encoded.extra` carries along, what a target, a value and a prediction
are, is the kind's own matter: nobody else looks inside. An example may have several sequences (the
options of a choice, the windows of a long context); it may give several items to train on, each of
them one or more sequences that are drawn together. Outputs may be a row a sequence or a matrix of
a sequence's tokens.

Shapes: N tokens of a packed batch, B sequences of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litebert.encoder.layout import Packed
from litebert.encoder.models import Head
from litebert.inference.engine import Forward, TokenSequence
from litebert.report.page import Fact, Section, Table
from litebert.report.plots import Level
from litebert.tasks.faults import Loaded
from litebert.tasks.features import Tally
from litebert.tasks.tabular import Row
from litebert.tasks.tabular import Table as Rows
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer
from litebert.training.step import LossTerm

Output = NDArray[np.float32]
"""What the model gave for one sequence: the row of it that `forward` returned."""


class Encoded(NamedTuple):
    """The token sequences of one example, and whatever the kind wants to know of them later."""

    sequences: Sequence[TokenSequence]
    extra: Any = None

    @property
    def tokens(self) -> int:
        """Tokens of all its sequences."""
        return sum(map(len, self.sequences))


class Item(NamedTuple):
    """What is drawn as one from an epoch's order: sequences that go together, and their target."""

    sequences: Sequence[TokenSequence]
    target: Any


@dataclass(frozen=True)
class ItemBatch:
    """Items packed on the device: tokens (N,), and for each item its sequences and its target."""

    input_ids: Tensor
    segment_ids: Tensor
    layout: Packed
    sizes: Sequence[int]
    """How many of the B sequences belong to each item, in order."""
    targets: Sequence[Any]

    def tensor(self, values: Any, dtype: torch.dtype = torch.long) -> Tensor:
        """`values` on the device of the batch."""
        return torch.as_tensor(values, dtype=dtype).to(self.input_ids.device, non_blocking=True)


@dataclass(frozen=True, slots=True)
class Result:
    """An example after the model: what `decode` made of it, and how many tokens it had."""

    example: Any
    value: Any
    tokens: int


@dataclass(frozen=True)
class Findings:
    """An evaluation in words, figures and tables, for the terminal, the page and the card."""

    lead: str
    """One or two sentences: how good it is, and what a simple guess would score."""
    facts: Sequence[Fact]
    """The figures that get a tile on the page."""
    sections: Sequence[Section]
    """What the page shows below the curves."""
    summary: Mapping[str, str]
    """The lines of the terminal: a name and a value each."""
    tables: Sequence[Table]
    """What the terminal shows above them."""
    card: str
    """The scores in Markdown, as the model card has them."""
    levels: Mapping[str, Level] = field(default_factory=dict)
    """What the curves of the validation scores are compared with, by the score's name."""


class Evaluation(Protocol):
    """A model measured on labelled examples, in full."""

    @property
    def examples(self) -> int:
        """How many there were."""
        ...

    @property
    def metrics(self) -> Mapping[str, float]:
        """The scores by their names, those of `Kind.metrics` among them."""
        ...

    @property
    def remarks(self) -> Sequence[str]:
        """What a user should know of the examples, a sentence each."""
        ...

    @property
    def files(self) -> Mapping[str, Any]:
        """What else is written beside `metrics.json`: the content of JSON files by their names."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Everything but the examples' texts as plain values, for `metrics.json`."""
        ...

    def findings(self, what: str = "rows") -> Findings:
        """The same for people; `what` the examples are called."""
        ...


@dataclass(frozen=True)
class CardWords:
    """What a model card says of a task, in Markdown."""

    pipeline_tag: str
    what: str
    """A sentence: what the model does."""
    row: str
    """A row to predict, as Python has it."""
    transformers: str
    """The class of transformers that loads the folder; "" where there is none."""
    lengths: str = ""
    """A sentence: what becomes of long rows, where they are not simply cut."""


class Kind(Protocol):
    """One kind of task; see the top of this module."""

    @property
    def name(self) -> str:
        """The `kind` in `task.json`."""
        ...

    @property
    def head(self) -> Head:
        """The model's head: a key of `litebert.encoder.models.HEADS`."""
        ...

    @property
    def task(self) -> type[Task]:
        """The model of `task.json`."""
        ...

    @property
    def terms(self) -> Sequence[str]:
        """The names of the loss terms; the sum of each is divided by the items of the batch."""
        ...

    @property
    def metrics(self) -> Mapping[str, bool]:
        """The scores a checkpoint can be chosen by, the default first: whether more is better."""
        ...

    @property
    def agree(self) -> Sequence[str]:
        """What the models of an ensemble must have in common: fields of the task, or "tokenizer"
        where `decode` compares outputs token by token."""
        ...

    # The model

    def classes(self, task: Any) -> int:
        """The outputs of the head."""
        ...

    def forward(self, model: Any) -> Forward:
        """The model as the engine takes it: packed tokens to a row for each of B sequences."""
        ...

    def chance_loss(self, task: Any, items: Sequence[Item]) -> float | None:
        """The training loss of a model that has learnt nothing but how often each target comes.

        None where that is not known. A run that does not get under it is stuck.
        """
        ...

    # Examples

    def query(self, row: Any, task: Any) -> Any:
        """The example of a row that a user gives in Python. Raises DataError for another form."""
        ...

    def columns(self, task: Any) -> Mapping[str, str]:
        """The columns of a table to predict: what they hold ("text" …) and how they are called."""
        ...

    def columns_in(self, table: Rows, columns: Mapping[str, str]) -> Mapping[str, str]:
        """The columns of a table that hold what the model reads, where `columns` are asked for.

        Raises DataError, listing the columns that are there, where one is missing.
        """
        ...

    def from_table(self, table: Rows, row: Row, columns: Mapping[str, str]) -> Any:
        """The example of a row of a table, by `columns_in`. Raises DataError where it is none."""
        ...

    def read(
        self, path: Path, task: Any, columns: Mapping[str, str], skip_bad: bool
    ) -> Loaded[Any]:
        """The labelled examples of a user's table, to evaluate on; "label" is among `columns`.

        Raises DataError where the table does not fit, or no table can hold such examples.
        """
        ...

    def encode(
        self, examples: Iterable[Any], task: Any, tokenizer: Tokenizer, tally: Tally
    ) -> Iterator[Encoded]:
        """Encode labelled or unlabelled examples, in order, reading some hundred ahead."""
        ...

    def items(self, example: Any, encoded: Encoded, task: Any) -> Sequence[Item]:
        """What a labelled example gives to train on; every item has one sequence or more."""
        ...

    # Outcomes

    def losses(self, model: Any, batch: ItemBatch) -> dict[str, LossTerm]:
        """The loss terms of a micro-batch, each summed over its items."""
        ...

    def decode(
        self, example: Any, encoded: Encoded, outputs: Sequence[Sequence[Output]], task: Any
    ) -> Any:
        """What one model, or several as one, say of an example; labels are not looked at.

        `outputs` has for each model the outputs of the example's sequences.
        """
        ...

    def scores(self, results: Sequence[Result], task: Any) -> dict[str, float]:
        """Scores of labelled examples while training: the task's metric among them, and `loss`
        where there is one, which settles ties."""
        ...

    def evaluate(self, results: Sequence[Result], task: Any, remarks: Sequence[str]) -> Evaluation:
        """Labelled examples, one or more, in full."""
        ...

    def finished(self, model: Any, task: Any, results: Sequence[Result]) -> Task:
        """The task as it is stored with the finished model, from the validation results.

        For what is fitted at the end, such as a threshold, or what belongs into the weights.
        """
        ...

    def prediction(self, result: Result, task: Any) -> Any:
        """What a user gets for a row."""
        ...

    def cell_names(self, task: Any) -> Sequence[str]:
        """The columns that a CSV file of predictions has for it."""
        ...

    def cells(self, prediction: Any, task: Any) -> Sequence[Any]:
        """A prediction as values of these columns."""
        ...

    def values(self, prediction: Any, task: Any) -> dict[str, Any]:
        """The same as values of JSON."""
        ...

    def card(self, task: Any) -> CardWords:
        """What the model card says of the task."""
        ...
