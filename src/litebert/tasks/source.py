"""Where labelled examples come from, so that fine-tuning can do without its name.

A *source* is any object with `load`: the user's table (`UserTable`), a task of GLUE in its folder
(`glue_task.py`), files of SQuAD, a folder of RACE. What it gives is a `TaskData`. A source's own
settings are a section of `FinetuneSettings`, which it is given whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, Protocol

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import DataError
from litebert.tasks.examples import (
    check_labels,
    distinct_labels,
    is_number,
    read_examples,
    score_groups,
    split_examples,
)
from litebert.tasks.features import fitted_length
from litebert.tasks.presets import Preset
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.task import Example
from litebert.text.tokenizer import Tokenizer

_MANY_NUMBERS = 20  # different labels; few numbers are ratings or codes


@dataclass(frozen=True)
class TaskData:
    """The examples of a task, and all that a run has to know of them."""

    kind: str
    """The name of the task's kind in `litebert.tasks.kinds`."""
    training: Sequence[Any]
    validation: Sequence[Any]
    fields: Mapping[str, Any]
    """What `task.json` says beside kind, max_length and metric: labels, columns, `dataset` …"""
    files: Sequence[Path]
    """What was read: a resumed run must find the same content."""
    max_length: int
    """Tokens of a sequence, unless another length is asked for; within the model's limit."""
    metric: str | None = None
    """What a checkpoint is chosen by, unless something else is asked for; the kind's first."""
    preset: Preset | None = None
    """The published hyper-parameters, if there are any."""
    remarks: Sequence[str] = field(default_factory=tuple)
    """What the user should know of the data, such as how many rows were left out."""


class Source(Protocol):
    """Something that labelled examples are read from."""

    def load(
        self, settings: FinetuneSettings, config: EncoderConfig, tokenizer: Tokenizer
    ) -> TaskData:
        """Read everything, for a model of this configuration.

        Raises DataError, with file and line, where something does not fit.
        """
        ...


@dataclass(frozen=True)
class UserTable:
    """The user's own table; without a table to validate on, a share of the rows is held back."""

    train: Path
    validation: Path | None = None

    def load(
        self, settings: FinetuneSettings, config: EncoderConfig, tokenizer: Tokenizer
    ) -> TaskData:
        """Read the training rows, and the validation rows from their table or held back from them.

        Raises DataError where a table cannot be read, there is one label (or number) only, or the
        validation table has labels that the training table lacks.
        """
        table, skip = settings.table, settings.course.skip_bad
        number = table.kind == "regression"
        columns = (table.text, table.label_column, table.pair)
        rows = read_examples(self.train, *columns, skip, number)
        remarks, files = [rows.remark], [self.train]
        fields: dict[str, Any] = dict(
            zip(("text_column", "label_column", "pair_column"), columns, strict=True)
        )
        labels = () if number else distinct_labels(rows.examples, self.train, table.label_column)
        if self.validation is None:
            fraction, seed = table.validation_fraction, settings.training.seed
            seed = seed if table.split_seed is None else table.split_seed
            groups = score_groups(rows.examples) if number else None
            training, validation = split_examples(rows.examples, fraction, seed, groups)
        else:
            held = read_examples(self.validation, *columns, skip, number)
            if not number:
                check_labels(held.examples, labels, self.validation)
            training, validation = rows.examples, held.examples
            remarks.append(held.remark)
            files.append(self.validation)
        if number:
            fields |= _standardised(training, self.train, table.label_column)
        else:
            fields["labels"] = labels
            remarks.append(_numbers_for_labels(labels))
        return TaskData(
            kind=table.kind,
            training=training,
            validation=validation,
            fields=fields,
            files=files,
            max_length=fitted_length(training, tokenizer, config.max_position_embeddings),
            remarks=[remark for remark in remarks if remark],
        )


def _numbers_for_labels(labels: Sequence[str]) -> str:
    """A remark where labels look like a quantity, each of which would be a label of its own."""
    if len(labels) <= _MANY_NUMBERS or not all(map(is_number, labels)):
        return ""
    return f"the labels are {len(labels):,} different numbers: --kind regression predicts a number"


def _standardised(examples: Sequence[Example], path: Path, column: str) -> dict[str, float]:
    """Mean and deviation of the scores: the model learns numbers of about 1, whatever theirs."""
    scores = [example.score for example in examples]
    center, scale = fmean(scores), pstdev(scores)
    if not scale:
        raise DataError(f'{path}: every row has the number {scores[0]:g} in column "{column}"')
    return {"center": center, "scale": scale}
