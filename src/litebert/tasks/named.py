"""The tasks that go by a name, whose official files are read as they are distributed: one table.

`litebert finetune NAME --data DIR` trains on the source that `NamedTask.source` gives; the name is
stored as the model's `dataset`, so that `litebert evaluate MODEL DIR` and `litebert predict MODEL
DIR` find their way back here where they are given something that is no table.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from litebert.foundation.errors import ConfigError, DataError, nearest
from litebert.tasks.glue.source import NamedGlue
from litebert.tasks.glue.tasks import GLUE
from litebert.tasks.kind import Evaluation
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.race.source import NamedRace
from litebert.tasks.source import Source
from litebert.tasks.squad.source import SQUAD, NamedSquad


class NamedTask(Protocol):
    """What the command line can do with the official files of a task."""

    @property
    def name(self) -> str:
        """The task's name, in small letters."""
        ...

    def source(self, data: Path, validation: Path | None = None) -> Source:
        """What to fine-tune on, from the folder with the task's files; some tasks take a file, and
        another one to validate on. Raises ConfigError where one has no use for that."""
        ...

    def evaluate(
        self, predictor: Predictor, data: Path, split: str | None, skip_bad: bool
    ) -> Mapping[str, Evaluation]:
        """The scores on a labelled split, or on all that are for evaluation, by their names.

        Raises DataError where the files do not fit.
        """
        ...

    def submit(
        self, predictor: Predictor, data: Path, output: Path, split: str | None, skip_bad: bool
    ) -> list[str]:
        """Write predictions in the official form; returns what the user should know of them.

        Raises DataError where the files do not fit or `output` has not the form's suffix.
        """
        ...


_TASKS: tuple[NamedTask, ...] = (
    *map(NamedGlue, GLUE.values()),
    *map(NamedSquad, SQUAD),
    NamedRace(),
)
NAMED: dict[str, NamedTask] = {task.name: task for task in _TASKS}


def named_task(name: str) -> NamedTask:
    """A named task, in any case. Raises ConfigError that names the nearest."""
    task = NAMED.get(name.lower())
    if task is None:
        raise ConfigError(
            f'"{name}" is no task that goes by a name: {nearest(name.lower(), NAMED)}'
        )
    return task


def task_of_data(predictor: Predictor, data: Path, name: str | None = None) -> NamedTask:
    """The named task whose files `data` holds: the one given, or the model's own.

    Raises DataError where the model was trained on a table of the user's.
    """
    dataset = name or predictor.task.dataset
    if not dataset:
        raise DataError(
            f"{data} is no table: this model was trained on a table of your own, name one "
            "(.csv, .tsv, .jsonl or .parquet), or the task whose files are there (--task)"
        )
    return named_task(dataset)
