"""The user's own table of multiple-choice questions, to fine-tune on."""

from dataclasses import dataclass
from pathlib import Path

from litebert.encoder.config import EncoderConfig
from litebert.tasks.choice.kind import CHOICE
from litebert.tasks.choice.questions import encode_questions
from litebert.tasks.choice.table import read_questions, split_by_article
from litebert.tasks.features import roomy_length
from litebert.tasks.settings import FinetuneSettings, TableSettings
from litebert.tasks.source import TaskData
from litebert.tasks.tabular import open_table
from litebert.text.tokenizer import Tokenizer

_ARTICLE_COLUMNS = ("article", "context")


@dataclass(frozen=True)
class QuestionTable:
    """Questions to train on; without a table to validate on, a share of the articles is held back.

    All questions about an article stay on one side.
    """

    train: Path
    validation: Path | None = None

    def load(
        self, settings: FinetuneSettings, config: EncoderConfig, tokenizer: Tokenizer
    ) -> TaskData:
        """Read both tables. Raises DataError, with file and line, where something does not fit."""
        table, skip = settings.table, settings.course.skip_bad
        columns = {
            "article": _article_column(self.train, table),
            "question": table.question,
            "options": table.options,
            "label": table.label_column,
        }
        loaded = [
            read_questions(path, columns, skip) for path in (self.train, self.validation) if path
        ]
        if self.validation is None:
            fraction, seed = table.validation_fraction, settings.split_seed
            training, validation = split_by_article(loaded[0].examples, fraction, seed)
        else:
            training, validation = (one.examples for one in loaded)
        limit = config.max_position_embeddings
        encoded = encode_questions(training, tokenizer, limit)
        return TaskData(
            kind=CHOICE.name,
            training=training,
            validation=validation,
            fields={f"{role}_column": name for role, name in columns.items()},
            files=[path for path in (self.train, self.validation) if path],
            max_length=roomy_length(max(len(one) for row in encoded for one in row), limit),
            remarks=[one.remark for one in loaded if one.remark],
        )


def _article_column(path: Path, table: TableSettings) -> str:
    """The column asked for, else the first of the usual ones that the table has."""
    if table.article is not None:
        return table.article
    there = open_table(path).columns
    return next((name for name in _ARTICLE_COLUMNS if name in there), _ARTICLE_COLUMNS[0])
