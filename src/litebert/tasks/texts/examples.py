"""Labelled examples of a table: reading them, their labels, and the validation split."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from litebert.foundation.errors import DataError
from litebert.foundation.randomness import Permutation
from litebert.tasks.faults import Faults, Loaded
from litebert.tasks.tabular import Row, RowError, Table, open_table
from litebert.tasks.task import Example

FEWEST_NUMBERS = 3  # rows of a table of numbers, of which one is held back
_SHOWN_LABELS = 10
_WHOLE = re.compile(r"-?[0-9]+")


def read_examples(
    path: Path,
    text_column: str,
    label_column: str,
    pair_column: str | None = None,
    skip_bad: bool = False,
    number: bool = False,
) -> Loaded[Example]:
    """Read every row of a labelled table; labels are stripped of white space around them.

    Raises DataError with file and line where the table cannot be read, lacks a column, has no
    rows, or a row has too few or too many fields, no text or no label; with `skip_bad` such rows
    are left out and counted. The second text of a pair may be empty. With `number`, every label
    must be a finite number.
    """
    table = open_table(path)
    table.require(text_column, pair_column, label_column)
    faults = Faults(path)
    examples = []
    for row in table.read():
        try:
            if isinstance(row, RowError):
                raise row
            example = _example(table, row, text_column, label_column, pair_column)
            if number and not is_number(example.label):
                problem = f'"{example.label}" in column "{label_column}" is not a number'
                raise RowError(table.at(row), problem)
            examples.append(example)
        except RowError as error:
            faults.add(error.where, error.problem)
    if not examples and not faults.count:
        raise DataError(f"{path} has columns but no rows: add labelled rows")
    return faults.settle(examples, skip_bad)


def distinct_labels(examples: Sequence[Example], path: Path, column: str) -> tuple[str, ...]:
    """The labels that occur, sorted: whole numbers by size, all others by their characters.

    Raises DataError where there is one label only, or where no label occurs twice, which is so
    where the column holds no labels at all.
    """
    counts = Counter(example.label for example in examples)
    if len(counts) == 1:
        label = next(iter(counts))
        raise DataError(
            f'{path}: every row has the label "{label}" in column "{column}": '
            "two labels or more are needed to learn to tell them apart"
        )
    if len(counts) == len(examples):
        raise DataError(
            f'{path}: no label occurs twice in column "{column}" ({len(counts):,} rows): '
            "is it the column of the labels? Each needs several rows; a number: --kind regression"
        )
    whole = all(map(_WHOLE.fullmatch, counts))
    return tuple(sorted(counts, key=(lambda label: (int(label), label)) if whole else None))


def check_labels(examples: Sequence[Example], labels: Sequence[str], path: Path) -> None:
    """Raise DataError that lists, each with a line, the labels which training has not seen."""
    known = set(labels)
    unseen: dict[str, int] = {}
    for example in examples:
        if example.label not in known:
            unseen.setdefault(example.label, example.line)
    if unseen:
        listed = [f'"{label}" (line {line})' for label, line in unseen.items()]
        more = len(listed) - _SHOWN_LABELS
        tail = f" and {more} more" if more > 0 else ""
        raise DataError(
            f"{path} has labels that training has not seen: "
            f"{', '.join(listed[:_SHOWN_LABELS])}{tail}; the model knows: {', '.join(labels)}"
        )


def split_examples(
    examples: Sequence[Example], fraction: float, seed: int, groups: Sequence[str] | None = None
) -> tuple[list[Example], list[Example]]:
    """Split into training and validation examples, every label in its proportion.

    The choice is a function of the seed and of each label's rows in order. At least one example
    goes to validation, and every label keeps at least one for training. `groups` (one an example)
    take the labels' place, if given.
    """
    by_label: dict[str, list[int]] = {}
    for index, group in enumerate(groups or [example.label for example in examples]):
        by_label.setdefault(group, []).append(index)
    labels = sorted(by_label)
    quotas = _quotas([len(by_label[label]) for label in labels], fraction)
    chosen: set[int] = set()
    for label, quota in zip(labels, quotas, strict=True):
        rows = by_label[label]
        order = Permutation(len(rows), seed, "validation", label)
        chosen.update(rows[order[i]] for i in range(quota))
    return (
        [example for i, example in enumerate(examples) if i not in chosen],
        [example for i, example in enumerate(examples) if i in chosen],
    )


def _example(
    table: Table, row: Row, text_column: str, label_column: str, pair_column: str | None
) -> Example:
    text = table.text(row, text_column)
    label = table.text(row, label_column).strip()
    pair = None if pair_column is None else table.text(row, pair_column)
    for value, what, column in ((text, "text", text_column), (label, "label", label_column)):
        if not value.strip():
            raise RowError(table.at(row), f'no {what} in column "{column}"')
    return Example(text, pair, label, row.line)


def score_groups(examples: Sequence[Example]) -> list[str]:
    """For each example in which part of all scores its own is, a tenth of them if there are enough.

    To split them evenly: of three examples or more, each part has two.
    """
    parts = max(1, min(10, len(examples) // 2))
    order = np.argsort([example.score for example in examples], kind="stable")
    places = np.empty(len(order), dtype=int)
    places[order] = np.arange(len(order))
    return [str(place * parts // len(examples)) for place in places.tolist()]


def is_number(label: str) -> bool:
    """Whether a label is a finite number."""
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _quotas(sizes: Sequence[int], fraction: float) -> list[int]:
    """Validation examples per label: largest remainders, one or more in all, one kept per label."""
    ideal = np.array(sizes) * fraction
    room = np.array(sizes) - 1
    quotas = np.minimum(np.floor(ideal).astype(int), room)
    wanted = min(max(1, round(sum(sizes) * fraction)), int(room.sum()))
    for label in np.argsort(quotas - ideal, kind="stable"):
        if quotas.sum() < wanted and quotas[label] < room[label]:
            quotas[label] += 1
    return [int(quota) for quota in quotas]
