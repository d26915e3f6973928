"""The user's own table of texts, as examples to fine-tune on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import DataError
from litebert.tasks.features import fitted_length
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import TaskData
from litebert.tasks.task import Example
from litebert.tasks.texts.examples import (
    FEWEST_NUMBERS,
    check_labels,
    distinct_labels,
    is_number,
    read_examples,
    score_groups,
    split_examples,
)
from litebert.text.tokenizer import Tokenizer

_MANY_NUMBERS = 20  # different labels; few numbers are ratings or codes


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
            if number and len(rows.examples) < FEWEST_NUMBERS:
                raise DataError(
                    f"{self.train} has {len(rows.examples)} rows, too few to hold some back: give "
                    "more, or a table to validate on (--validation)"
                )
            fraction, seed = table.validation_fraction, settings.split_seed
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
