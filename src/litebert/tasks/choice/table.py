"""Multiple-choice questions in the user's own table: an article, a question and options a row.

The options stand in one column as a list (JSON lines, Parquet; in CSV as JSON), or in columns of
their own: `option_a`, `option_b` …, also numbered. Rows may have differing numbers of options. The
right one is named by its letter, A being the first, by its text, or by the number in its column's
name.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from litebert.foundation.errors import DataError
from litebert.tasks.choice.questions import LEAST_OPTIONS, LETTERS, MOST_OPTIONS, ChoiceExample
from litebert.tasks.faults import Faults, Loaded
from litebert.tasks.splits import hold_back
from litebert.tasks.tabular import Row, RowError, Table, open_table

_OPTION = "option "  # the role of a column with one option, before its letter


def columns_in(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns of a table by what they hold: "article", "question", "options" and "label".

    Where there is no column with all options, those with one each are "option A", "option B" ….
    Raises DataError, listing the columns that are there, where one is missing.
    """
    chosen = dict(columns)
    table.require(*(name for role, name in columns.items() if role != "options"))
    if chosen["options"] in table.columns:
        return chosen
    stem = chosen.pop("options").removesuffix("s")
    form = re.compile(re.escape(stem) + "_?([0-9]{1,2}|[a-z])", re.IGNORECASE)
    found = {match[1].lower(): match[0] for c in table.columns if (match := form.fullmatch(c))}
    for keys in (LETTERS.lower(), [str(n) for n in range(26)], [str(n) for n in range(1, 27)]):
        names = [found[key] for key in keys[: len(found)] if key in found]
        if names and len(names) == len(found):
            return {**chosen, **{f"{_OPTION}{LETTERS[i]}": name for i, name in enumerate(names)}}
    there = f"; of {', '.join(found.values())} some are missing" if found else ""
    try:
        table.require(columns["options"])
    except DataError as problem:
        raise DataError(f"{problem}, nor columns {stem}_a, {stem}_b and so on{there}") from None
    raise AssertionError("the column is known to be missing")


def read_question(table: Table, row: Row, columns: Mapping[str, str]) -> ChoiceExample:
    """The question of a row; `columns` as `columns_in` gives them, the answer read if among them.

    Raises RowError where the row does not fit.
    """
    article, question = (table.text(row, columns[role]) for role in ("article", "question"))
    for text, role in ((article, "article"), (question, "question")):
        if not text.strip():
            raise RowError(table.at(row), f'no text in column "{columns[role]}"')
    names = [name for role, name in columns.items() if role.startswith(_OPTION)]
    if "options" in columns:
        options = _listed(row.values.get(columns["options"]))
        if options is None:
            raise RowError(
                table.at(row),
                f'no list of texts in column "{columns["options"]}", such as ["one", "another"]',
            )
    else:
        options = _spread(table, row, names)
    check_options(options, table.at(row))
    example = ChoiceExample(f"{table.unit} {row.line}", article, question, tuple(options), None)
    if "label" not in columns:
        return example
    answer = table.text(row, columns["label"]).strip()
    return replace(example, label=_index(answer, options, names, table.at(row)))


def read_questions(path: Path, columns: Mapping[str, str], skip_bad: bool) -> Loaded[ChoiceExample]:
    """The questions of a labelled table.

    Raises DataError, with file and line, where the table or a row does not fit; with `skip_bad`
    such rows are left out and counted.
    """
    table, faults, examples = open_table(path), Faults(path), []
    found = columns_in(table, columns)
    for row in table.read():
        try:
            if isinstance(row, RowError):
                raise row
            examples.append(read_question(table, row, found))
        except RowError as error:
            faults.add(error.where, error.problem)
    return faults.settle(examples, skip_bad)


def check_options(options: Sequence[str], where: str) -> None:
    """Raise RowError where there are too few or too many options to choose from."""
    if not LEAST_OPTIONS <= len(options) <= MOST_OPTIONS:
        count = f"{len(options)} option{'' if len(options) == 1 else 's'}"
        raise RowError(where, f"{count} where {LEAST_OPTIONS} to {MOST_OPTIONS} are expected")


def split_by_article(
    examples: list[ChoiceExample], fraction: float, seed: int
) -> tuple[list[ChoiceExample], list[ChoiceExample]]:
    """Hold back a share of the articles with all their questions, one article or more.

    Questions about one article on both sides would test what was learnt by heart. Raises DataError
    where there is one article only.
    """
    articles = [example.article for example in examples]
    if len(set(articles)) == 1:
        raise DataError(
            "all questions are about one article, so none can be held back to validate on: name a "
            "validation file"
        )
    return hold_back(examples, articles, fraction, seed)


def _listed(value: Any) -> list[str] | None:
    """A list of texts, or of numbers as texts, which may be written as JSON; None for all else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (RecursionError, ValueError):
            return None
    if not isinstance(value, list | tuple):
        return None
    texts = [str(one) if type(one) in (int, float) else one for one in value]
    return texts if all(isinstance(text, str) for text in texts) else None


def _spread(table: Table, row: Row, names: list[str]) -> list[str]:
    """The options of columns of their own; those that are empty at the end are none."""
    options = [table.text(row, name) for name in names]
    while options and not options[-1].strip():
        options.pop()
    for name, option in zip(names, options, strict=False):
        if not option.strip():
            raise RowError(table.at(row), f'no option in column "{name}" but one behind it')
    return options


def _index(answer: str, options: list[str], names: list[str], where: str) -> int:
    """The index of the option that an answer names; `names` are those of the options' columns."""
    letters = LETTERS[: len(options)]
    named = {i for i, option in enumerate(options) if option.strip() == answer}
    if len(answer) == 1 and answer.upper() in letters:
        named.add(letters.index(answer.upper()))
    if answer.isdecimal():
        numbers = [name.removeprefix(name.rstrip("0123456789")) for name in names]
        named |= {i for i, number in enumerate(numbers[: len(options)]) if number == answer}
    if len(named) == 1:
        return named.pop()
    if named:
        which = " and ".join(letters[i] for i in sorted(named))
        raise RowError(where, f'the answer "{answer}" may be option {which}')
    raise RowError(
        where,
        f'the answer "{answer}" is none of the letters {letters[0]} to {letters[-1]}, nor one of '
        "the options",
    )
