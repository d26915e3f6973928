"""Which source reads the user's own table, by the kind of the task."""

from pathlib import Path

from litebert.tasks.choice.kind import CHOICE
from litebert.tasks.choice.source import QuestionTable
from litebert.tasks.source import Source
from litebert.tasks.texts.source import UserTable


def table_source(kind: str, train: Path, validation: Path | None) -> Source:
    """The source of a kind's labelled examples: a table to train on, and maybe one to validate."""
    if kind == CHOICE.name:
        return QuestionTable(train, validation)
    return UserTable(train, validation)
