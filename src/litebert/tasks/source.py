"""Where labelled examples come from, so that fine-tuning can do without its name.

A *source* is any object with `load`: the user's table (`texts/source.py`), a task of GLUE in its
folder (`glue/source.py`), files of SQuAD, a folder of RACE. What it gives is a `TaskData`. A
source's own settings are a section of `FinetuneSettings`, which it is given whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from litebert.encoder.config import EncoderConfig
from litebert.tasks.presets import Preset
from litebert.tasks.settings import FinetuneSettings
from litebert.text.tokenizer import Tokenizer


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
