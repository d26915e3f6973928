"""The kinds of tasks, as one table."""

from collections.abc import Mapping
from typing import Any

from litebert.foundation.errors import ModelFolderError, nearest
from litebert.tasks.choice.kind import CHOICE
from litebert.tasks.kind import Kind
from litebert.tasks.span.kind import ANSWERABLE_SPAN, SPAN
from litebert.tasks.task import Task
from litebert.tasks.texts.classification import CLASSIFICATION
from litebert.tasks.texts.regression import REGRESSION

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (CLASSIFICATION, REGRESSION, CHOICE, SPAN, ANSWERABLE_SPAN)
}


def kind_of(task: Task) -> Kind:
    """The kind of a task."""
    return KINDS[task.kind]


def stored_task(values: Mapping[str, Any], folder: object) -> Task:
    """The task of a model folder from its `task.json`'s content.

    Raises ModelFolderError where the kind is unknown, or a field is or does not fit.
    """
    name = str(values.get("kind", CLASSIFICATION.name))
    if name not in KINDS:
        raise ModelFolderError(
            f'{folder}/task.json: kind "{name}" is none that can be run: {nearest(name, KINDS)}'
        )
    return KINDS[name].task.stored(dict(values), folder)
