"""The official TSV files of GLUE: read by their columns, without quoting, every fault by its line.

A quote is a character like any other, as for the original (csv with no quote character): a reader
that took it for one would swallow the rows up to the next.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from litebert.foundation.errors import ConfigError, DataError, nearest
from litebert.foundation.files import read_lines
from litebert.tasks.faults import Faults, Loaded
from litebert.tasks.glue.tasks import GlueTask, glue_task
from litebert.tasks.tabular import Table
from litebert.tasks.task import Example

_SHOWN_NAMES = 12


@dataclass(frozen=True, slots=True)
class GlueExample(Example):
    """One row; `label` is "" in test files, `index` what the file calls it (test files only)."""

    index: str = ""


def read_glue(
    task: GlueTask | str, data: Path, split: str = "train", skip_bad: bool = False
) -> Loaded[GlueExample]:
    """Read one file of a task from GLUE's folder, or from the task's own.

    Raises ConfigError for an unknown task or split; DataError where the file is missing or has
    other columns, and, naming file and line, where a row is short or long, has no text, or a label
    that is none. With `skip_bad` such rows are left out and counted; of QQP, whose official file
    has some, rows that break off always are.
    """
    task = glue_task(task) if isinstance(task, str) else task
    path = find_glue(task, Path(data), split)
    return read_glue_file(task, path, not split.startswith("test"), skip_bad)


def read_glue_file(
    task: GlueTask, path: Path, labelled: bool, skip_bad: bool = False
) -> Loaded[GlueExample]:
    """`read_glue` of a file by its path, in the form of the labelled splits or of the test's."""
    path = Path(path)
    faults, broken = Faults(path), Faults(path)
    columns, rows = _open(task, path, labelled)
    examples = []
    for line, fields in rows:
        problem = _problem(task, columns, fields)
        if not problem:
            examples.append(columns.example(fields, line))
        elif task.short_rows_skipped and labelled and len(fields) < len(columns.names):
            broken.add(f"{path}, line {line}", problem)
        else:
            faults.add(f"{path}, line {line}", problem)
    faults.settle(examples, skip_bad)
    broken.include(faults)
    return broken.settle(examples, skip_bad=True)


@dataclass(frozen=True)
class _Columns:
    """The columns of a file by name, and at which of them a row's parts are."""

    names: tuple[str, ...]
    text: int
    pair: int | None
    label: int | None
    index: int | None

    @classmethod
    def of(cls, names: tuple[str, ...], task: GlueTask, labelled: bool) -> Self:
        return cls(
            names,
            names.index(task.text),
            None if task.pair is None else names.index(task.pair),
            names.index(task.label) if labelled else None,
            None if labelled else names.index(task.index),
        )

    def example(self, fields: list[str], line: int) -> GlueExample:
        return GlueExample(
            fields[self.text],
            None if self.pair is None else fields[self.pair],
            "" if self.label is None else fields[self.label].strip(),
            line,
            "" if self.index is None else fields[self.index],
        )


def find_glue(task: GlueTask, data: Path, split: str) -> Path:
    """Where the file of a split is. Raises as `read_glue` does."""
    if split not in task.files:
        raise ConfigError(f'{task.name} has no split "{split}": {nearest(split, task.files)}')
    name = task.files[split]
    places = (data / task.folder / name, data / name)
    for path in places:
        if path.is_file():
            return path
    if not data.is_dir():
        raise DataError(f"{data} is not a folder: name the one that holds {task.folder}/{name}")
    own = data / task.folder
    names = sorted(path.name for path in (own if own.is_dir() else data).iterdir())
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    listed = (", ".join(names[:_SHOWN_NAMES]) + more) or "nothing"
    if own.is_dir():
        raise DataError(f"{own} has no {name}: it contains {listed}")
    raise DataError(
        f"{data} holds neither {task.folder}/{name} nor {name}: name GLUE's folder or the task's "
        f"own; it contains {listed}"
    )


def _open(
    task: GlueTask, path: Path, labelled: bool
) -> tuple[_Columns, Iterator[tuple[int, list[str]]]]:
    """The columns of a file and its rows by line; blank lines are passed over."""
    rows = ((line, text.split("\t")) for line, text in read_lines(path) if text)
    if labelled and task.bare_columns:
        return _Columns.of(task.bare_columns, task, labelled), rows
    header = next(rows, None)
    if header is None:
        raise DataError(f"{path} is empty: a header line and rows are expected")
    if any("\r" in name for name in header[1]):
        raise DataError(
            f"{path}, line {header[0]}: the lines end with carriage returns alone: save the file "
            "with plain line ends"
        )
    names = tuple(name.strip() for name in header[1])
    needed = (task.text, task.pair, task.label if labelled else task.index)
    try:
        Table(str(path), names, lambda: iter(())).require(*needed)
    except DataError as problem:
        kind = "train or dev" if labelled else "test"
        raise DataError(
            f"{problem}: is it {task.folder}'s {kind} file, with its header in line {header[0]}?"
        ) from None
    return _Columns.of(names, task, labelled), rows


def _problem(task: GlueTask, columns: _Columns, fields: list[str]) -> str:
    """Why a row cannot be used; "" where it can."""
    expected = len(columns.names)
    if len(fields) != expected:
        found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        return f"{found} where there are {expected}: {', '.join(columns.names)}"
    if not any(fields[i].strip() for i in (columns.text, columns.pair) if i is not None):
        return f'no text in column "{task.text}"'
    return "" if columns.label is None else _label_problem(task, fields[columns.label].strip())


def _label_problem(task: GlueTask, label: str) -> str:
    if task.score_range is None:
        if label in task.labels:
            return ""
        return f'"{label}" in column "{task.label}" is no label: {nearest(label, task.labels)}'
    low, high = task.score_range
    try:
        score = float(label)
    except ValueError:
        return f'"{label}" in column "{task.label}" is not a number'
    if math.isfinite(score) and low <= score <= high:
        return ""
    return f'{label} in column "{task.label}" is not between {low:g} and {high:g}'
